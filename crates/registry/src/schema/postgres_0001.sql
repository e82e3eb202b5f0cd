-- The tables of sqlite_0001.sql, line for line, in PostgreSQL's types. Texts compare byte by byte, as SQLite's do.
-- Times are milliseconds since 1970, flags 0 or 1, scopes one text with spaces, lists JSON arrays.
-- Credentials are kept as SHA-256, client secrets and codes too. What has ended is not marked but gone.

CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    login TEXT COLLATE "C" NOT NULL UNIQUE,
    login_typed TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    locale TEXT COLLATE "C",
    email TEXT COLLATE "C",
    email_verified BIGINT NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE devices (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, digest)
);
CREATE INDEX devices_expiry ON devices (expires_at);

CREATE TABLE throttle (
    key BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX throttle_expiry ON throttle (expires_at);
CREATE INDEX throttle_least ON throttle (failures, last_at);

CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    secret BYTEA,
    redirect_uris TEXT COLLATE "C" NOT NULL,
    grant_types TEXT COLLATE "C" NOT NULL,
    scopes_own TEXT COLLATE "C" NOT NULL,
    scopes_anonymous TEXT COLLATE "C" NOT NULL,
    scopes_returning TEXT COLLATE "C" NOT NULL,
    scopes_logged_on TEXT COLLATE "C" NOT NULL,
    first_party BIGINT NOT NULL,
    site TEXT COLLATE "C"
);

CREATE TABLE sign_ons (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL UNIQUE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time BIGINT NOT NULL,
    level BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sign_ons_user ON sign_ons (user_id, auth_time);
CREATE INDEX sign_ons_expiry ON sign_ons (ends_at);

CREATE TABLE codes (
    digest BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    sign_on TEXT COLLATE "C" NOT NULL REFERENCES sign_ons (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL,
    redirect_uri TEXT COLLATE "C",
    challenge BYTEA NOT NULL,
    nonce TEXT COLLATE "C",
    scopes TEXT COLLATE "C" NOT NULL,
    auth_time BIGINT NOT NULL,
    level BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX codes_client ON codes (client_id);
CREATE INDEX codes_sign_on ON codes (sign_on, issued_at);
CREATE INDEX codes_expiry ON codes (expires_at);

-- A grant or a family outlives the row of its sign-on session, whose identifier therefore is no foreign key.
CREATE TABLE grants (
    digest BYTEA NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sign_on TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    auth_time BIGINT NOT NULL,
    level BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    code BYTEA NOT NULL
);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_user ON grants (user_id, issued_at);
CREATE INDEX grants_sign_on ON grants (sign_on);
CREATE INDEX grants_code ON grants (code);
CREATE INDEX grants_expiry ON grants (ends_at);

CREATE TABLE families (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
    visitor BYTEA,
    auth_time BIGINT,
    level BIGINT,
    sign_on TEXT COLLATE "C",
    scopes TEXT COLLATE "C" NOT NULL,
    issued_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    code BYTEA,
    refresh_key BYTEA UNIQUE,
    secret BYTEA,
    former_secret BYTEA,
    salt BYTEA,
    rotated_at BIGINT
);
CREATE INDEX families_client ON families (client_id, user_id, issued_at, name, ends_at);
CREATE INDEX families_user ON families (user_id, issued_at);
CREATE INDEX families_sign_on ON families (sign_on);
CREATE INDEX families_code ON families (code);
CREATE INDEX families_expiry ON families (ends_at);

CREATE TABLE access_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    family TEXT COLLATE "C" NOT NULL REFERENCES families (name) ON DELETE CASCADE,
    scopes TEXT COLLATE "C" NOT NULL,
    standing TEXT COLLATE "C",
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_family ON access_tokens (family, issued_at);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE ended_sessions (
    sid BYTEA NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);

CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    purpose TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    pkcs8 BYTEA NOT NULL,
    public_jwk TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    retire_at BIGINT
);
CREATE INDEX signing_keys_purpose ON signing_keys (purpose, created_at);

-- Room for new versions of the one row, so that they need no index entry of their own.
-- One row. `newest` numbers the outbox without a hole; `pruned` is the last number that is gone.
CREATE TABLE outbox_head (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    newest BIGINT NOT NULL,
    pruned BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO outbox_head (one, newest, pruned) VALUES (1, 0, 0);

CREATE TABLE outbox (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    epoch BIGINT,
    cause TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    done_by TEXT COLLATE "C" NOT NULL,
    from_address TEXT COLLATE "C",
    event TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    sign_on TEXT COLLATE "C",
    session BYTEA,
    note TEXT COLLATE "C"
);
CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_client ON audit (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_sign_on ON audit (sign_on, id) WHERE sign_on IS NOT NULL;
CREATE INDEX audit_session ON audit (session, id) WHERE session IS NOT NULL;
CREATE INDEX audit_age ON audit (at);

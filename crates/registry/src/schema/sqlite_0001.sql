-- Times are milliseconds since 1970, flags 0 or 1, scopes one text with spaces, lists JSON arrays.
-- Credentials are kept as SHA-256, client secrets and codes too. What has ended is not marked but gone.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    login_typed TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    name TEXT,
    locale TEXT,
    email TEXT,
    email_verified INTEGER NOT NULL,
    roles TEXT NOT NULL,
    scopes TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, digest)
) STRICT;
CREATE INDEX devices_expiry ON devices (expires_at);

CREATE TABLE throttle (
    key BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX throttle_expiry ON throttle (expires_at);
CREATE INDEX throttle_least ON throttle (failures, last_at);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    secret BLOB,
    redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes_own TEXT NOT NULL,
    scopes_anonymous TEXT NOT NULL,
    scopes_returning TEXT NOT NULL,
    scopes_logged_on TEXT NOT NULL,
    first_party INTEGER NOT NULL,
    site TEXT
) STRICT;

CREATE TABLE sign_ons (
    id TEXT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time INTEGER NOT NULL,
    level INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ons_user ON sign_ons (user_id, auth_time);
CREATE INDEX sign_ons_expiry ON sign_ons (ends_at);

CREATE TABLE codes (
    digest BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    sign_on TEXT NOT NULL REFERENCES sign_ons (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    redirect_uri TEXT,
    challenge BLOB NOT NULL,
    nonce TEXT,
    scopes TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    level INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX codes_client ON codes (client_id);
CREATE INDEX codes_sign_on ON codes (sign_on, issued_at);
CREATE INDEX codes_expiry ON codes (expires_at);

-- A grant or a family outlives the row of its sign-on session, whose identifier therefore is no foreign key.
CREATE TABLE grants (
    digest BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sign_on TEXT NOT NULL,
    site TEXT NOT NULL,
    scopes TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    level INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    code BLOB NOT NULL
) STRICT;
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_user ON grants (user_id, issued_at);
CREATE INDEX grants_sign_on ON grants (sign_on);
CREATE INDEX grants_code ON grants (code);
CREATE INDEX grants_expiry ON grants (ends_at);

CREATE TABLE families (
    name TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    visitor BLOB,
    auth_time INTEGER,
    level INTEGER,
    sign_on TEXT,
    scopes TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    code BLOB,
    refresh_key BLOB UNIQUE,
    secret BLOB,
    former_secret BLOB,
    salt BLOB,
    rotated_at INTEGER
) STRICT;
CREATE INDEX families_client ON families (client_id, user_id, issued_at, name, ends_at);
CREATE INDEX families_user ON families (user_id, issued_at);
CREATE INDEX families_sign_on ON families (sign_on);
CREATE INDEX families_code ON families (code);
CREATE INDEX families_expiry ON families (ends_at);

CREATE TABLE access_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    family TEXT NOT NULL REFERENCES families (name) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    standing TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX access_tokens_family ON access_tokens (family, issued_at);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE ended_sessions (
    sid BLOB NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    pkcs8 BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retire_at INTEGER
) STRICT;
CREATE INDEX signing_keys_purpose ON signing_keys (purpose, created_at);

-- One row. `newest` numbers the outbox without a hole; `pruned` is the last number that is gone.
CREATE TABLE outbox_head (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    newest INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_head (one, newest, pruned) VALUES (1, 0, 0);

CREATE TABLE outbox (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    epoch INTEGER,
    cause TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    done_by TEXT NOT NULL,
    from_address TEXT,
    event TEXT NOT NULL,
    user_id TEXT,
    client_id TEXT,
    sign_on TEXT,
    session BLOB,
    note TEXT
) STRICT;
CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_client ON audit (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_sign_on ON audit (sign_on, id) WHERE sign_on IS NOT NULL;
CREATE INDEX audit_session ON audit (session, id) WHERE session IS NOT NULL;
CREATE INDEX audit_age ON audit (at);

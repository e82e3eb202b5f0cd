//! A PostgreSQL with a full disk. Its files may grow to what a file of its log needs; the tables that a visitor's writes go
//! to have grown as far, and no page of them has room.

use vestibule_testkit::server::postgres::Postgres;

/// A file of the log has as much, so the log goes on. Without a log the server does not.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bodies of the rows that fill a table up: first whole pages, then what is left of each of them.
const FILLERS: [usize; 3] = [1_800, 200, 1];

/// The tables, and a row of each that nobody looks for.
const TABLES: [(&str, &str); 2] = [
    ("session", "(handle, version, expires_at, sweep_at, body) VALUES (key, 1, never, never, body)"),
    ("attempt", "(key, expires_at, body) VALUES (key, never, body)"),
];

/// Leaves no room until [`mend`].
pub(super) fn fill(postgres: &Postgres, database: &str) {
    postgres.limit_files(Some(FILE_BYTES_MAX));
    for (table, row) in TABLES {
        let table = format!("vestibule.{table}");
        // Else every page would keep room for the next version of its rows, and patches would go on for a while.
        postgres.sql(database, &format!("ALTER TABLE {table} SET (fillfactor = 100)"));
        for bytes in FILLERS {
            // Notes how much is free on each page.
            postgres.sql(database, &format!("VACUUM {table}"));
            postgres.sql(database, &until_full(&table, row, bytes));
        }
    }
}

/// As if the disk were larger now.
pub(super) fn mend(postgres: &Postgres) {
    postgres.limit_files(None);
}

/// Inserts one row at a time, each in a transaction within: one that found no room leaves nothing behind.
fn until_full(table: &str, row: &str, bytes: usize) -> String {
    format!(
        "DO $$
        DECLARE
            key bytea;
            never bigint := 9000000000000;
            body bytea := convert_to(repeat('x', {bytes}), 'UTF8');
        BEGIN
            LOOP
                key := decode(md5(random()::text), 'hex');
                BEGIN
                    INSERT INTO {table} {row};
                EXCEPTION WHEN OTHERS THEN
                    IF SQLERRM LIKE 'could not extend file%' THEN EXIT; END IF;
                    RAISE;
                END;
            END LOOP;
        END $$"
    )
}

//! The registry through its public methods, on SQLite in memory and on files.

#[cfg(test)]
mod all {
    mod clients;
    mod codes;
    mod ends;
    mod feed;
    mod file;
    mod fixture;
    mod grants;
    mod keys;
    mod log_in;
    mod races;
    mod refresh;
    mod secrecy;
    mod sweep;
    mod throttle;
    mod trail;
    mod users;
}

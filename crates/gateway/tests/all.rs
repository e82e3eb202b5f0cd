//! The whole gateway on real sockets, between raw clients and a recording upstream. Ids such as D17 name a class of
//! attack or failure: B is what only we may say, D tokens, E what breaks around us.

#[cfg(test)]
mod all {
    mod ends;
    mod gate;
    #[expect(dead_code, reason = "tests inside the crate use the other half of it")]
    mod issuer;
    mod outage;
    mod relay;
    mod streams;
    mod tokens;
}

//! Journeys: a whole Vestibule in this process, real sockets on both sides, a file for each story. Ids such as B15 name
//! a class of attack or failure: A is framing, B what only we may say and which route it takes, E what breaks around us.

#[cfg(test)]
mod journeys {
    mod chromium;
    mod drain;
    mod framing;
    mod front;
    mod hygiene;
    mod limits;
    mod relay;
    mod routing;
    mod upstream;
    mod visitor;
}

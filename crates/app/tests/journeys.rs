//! Journeys: a whole Vestibule in this process, real sockets on both sides, a file for each story.

#[cfg(test)]
mod journeys {
    mod drain;
    mod framing;
    mod front;
    mod hygiene;
    mod limits;
    mod relay;
    mod routing;
    mod upstream;
}

//! Which answers may carry a patch: the complete final head of the app itself, once, and not of an app that failed.
//! Must not know what the patch says.

use crate::patch_refused::Unheeded;

/// Who made an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The app, at the last or only try.
    App,
    /// The app, at a try that was followed by another.
    EarlierTry,
    /// One of ours, in the app's place.
    Ourselves,
}

/// Where in the answer the field stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the body.
    Head,
    /// After it.
    Trailers,
}

/// An answer that carries `x-context-update`.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// How many such fields it has.
    pub fields: usize,
    /// Where.
    pub place: Place,
    /// Whose it is.
    pub by: AnsweredBy,
}

/// Whether the patch counts.
pub fn heed(answer: &Answer) -> Result<(), Unheeded> {
    match answer {
        Answer { by: AnsweredBy::Ourselves, .. } => Err(Unheeded::NotTheApps),
        Answer { by: AnsweredBy::EarlierTry, .. } => Err(Unheeded::EarlierTry),
        Answer { place: Place::Trailers, .. } => Err(Unheeded::Trailers),
        Answer { status: ..200, .. } => Err(Unheeded::NotFinal),
        Answer { status: 500.., .. } => Err(Unheeded::Failed),
        Answer { fields: 2.., .. } => Err(Unheeded::Doubled),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

//! Which answers may carry a patch: the complete final head of the app itself, once, and not of an app that failed.
//! Must not know what the patch says.

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

/// Why a patch is not even read. The page is delivered, and the audit told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unheeded {
    /// 1xx, 101 among them: not the final answer.
    #[error("the answer is not final")]
    NotFinal,
    /// 5xx: the app failed.
    #[error("the app failed")]
    Failed,
    /// Trailers come when the head has long gone.
    #[error("it stood in trailers")]
    Trailers,
    /// Two fields: which one was meant?
    #[error("it came more than once")]
    Doubled,
    /// Another try followed.
    #[error("it came from a try that was not the last")]
    EarlierTry,
    /// The answer is one of ours.
    #[error("the answer is not the app's")]
    NotTheApps,
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

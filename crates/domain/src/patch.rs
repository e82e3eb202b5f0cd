//! Patches: what a web app asks to change in the context (JSON merge patch, RFC 7396). Top-level keys are the unit of
//! rights, and a patch is taken whole or not at all. Parsed, then admitted by the app's rights, then applied to the
//! newest record: each step takes what the one before returned.

mod answer;
mod merge;

use serde_json::Value;

use crate::ascii_json::{self, AsciiJson};
use crate::attribute::{
    Attribute, AttributeName, Catalogue, Declared, NameRefused, READ_BYTES_MAX, Rights, SESSION_BYTES_MAX,
    shown_bytes, stored_bytes,
};
use crate::identity::{AppId, SiteId, Timestamp};
use crate::judge::View;
use crate::key::Key;
use crate::limits::Limits;
use crate::mint::MintPermit;
use crate::patch_refused::PatchRefused;
use crate::rise::{self, Fresh};
use crate::session::Session;
use crate::standing::Standing;

pub use answer::heed;

/// Longest patch, in bytes of its header field.
pub const PATCH_BYTES_MAX: usize = 4 * 1024;

/// A patch as an app sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch(Vec<(AttributeName, Value)>);

/// A patch that its app may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted<'c> {
    changes: Vec<(AttributeName, Declared, Value)>,
    catalogue: &'c Catalogue,
}

/// Who asks, as the session was when the request was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The key.
    pub key: Key,
    /// What it yielded.
    pub standing: Standing,
}

impl Opened {
    /// Of the view the app was shown.
    pub fn of(view: &View<'_>) -> Self {
        Self { key: view.key(), standing: view.standing() }
    }
}

impl Patch {
    /// Reads the header field.
    pub fn parse(field: &[u8]) -> Result<Self, PatchRefused> {
        if field.len() > PATCH_BYTES_MAX {
            return Err(PatchRefused::PatchTooLarge);
        }
        let members = ascii_json::strict_members(field).ok_or(PatchRefused::Malformed)?;
        let named = members.into_iter().map(|(name, value)| match AttributeName::parse(&name) {
            Ok(name) => Ok((name, value)),
            Err(NameRefused::Reserved) => Err(PatchRefused::Reserved),
            Err(NameRefused::Malformed) => Err(PatchRefused::NotWritable),
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Checks each name against what the app may write.
    pub fn admit<'c>(self, app: &AppId, catalogue: &'c Catalogue) -> Result<Admitted<'c>, PatchRefused> {
        let rights = catalogue.rights(app).ok_or(PatchRefused::NotWritable)?;
        let allowed = self.0.into_iter().map(|(name, value)| {
            let declared = rights.writes.contains(&name).then(|| catalogue.declared(&name)).flatten();
            declared.map(|declared| (name, *declared, value)).ok_or(PatchRefused::NotWritable)
        });
        Ok(Admitted { changes: allowed.collect::<Result<_, _>>()?, catalogue })
    }
}

impl Admitted<'_> {
    /// The record that follows from the newest one, judged with the key that opened the request. `None` where the
    /// patch changes nothing.
    pub fn apply(
        &self,
        newest: &View<'_>,
        opened: Opened,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Option<Session>, PatchRefused> {
        if opened.key.is_old() || newest.key().is_old() {
            return Err(PatchRefused::OldSecret);
        }
        let mut session = newest.settled(now, limits);
        let mut changed = false;
        for (name, declared, change) in &self.changes {
            // Settled: what a fall hides is gone, so nothing hidden is merged into what is shown.
            let was = session.attributes.get(name);
            let private = !declared.survives || was.is_some_and(|was| was.private);
            if private && !may_write_private(newest, opened) {
                return Err(PatchRefused::NoLogOn(name.clone()));
            }
            let base = was.and_then(|was| was.value.to_value());
            let next = merge::merged(base, change).map(|value| Attribute {
                value: AsciiJson::of(&value),
                private: newest.standing() == Standing::LoggedOn && !declared.survives,
            });
            if next.as_ref().is_some_and(|next| next.value.as_str().len() > declared.bytes_max) {
                return Err(PatchRefused::AttributeTooLarge(name.clone()));
            }
            if next.as_ref() == was {
                continue;
            }
            changed = true;
            let was = match next {
                Some(next) => session.attributes.insert(name.clone(), next),
                None => session.attributes.remove(name),
            };
            if let Some(before) = &mut session.before {
                before.remember(name, was, now, limits);
            }
        }
        self.check_sizes(&session)?;
        Ok(changed.then_some(session))
    }

    /// The session of an anonymous visitor's first patch. `None` where there would be nothing in it.
    pub fn first(
        &self,
        permit: MintPermit,
        site: SiteId,
        fresh: Fresh,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Option<Session>, PatchRefused> {
        let empty = rise::begin(permit, site, fresh, now);
        let view = View::of_new(&empty);
        let session = self.apply(&view, Opened::of(&view), now, limits)?;
        // Its cookie is still to be sent, so it cannot have come back.
        Ok(session.map(|session| Session { confirmed: false, ..session }))
    }

    fn check_sizes(&self, session: &Session) -> Result<(), PatchRefused> {
        if stored_bytes(&session.attributes) > SESSION_BYTES_MAX {
            return Err(PatchRefused::SessionTooLarge);
        }
        let mut readers = self.changes.iter().flat_map(|(name, ..)| self.catalogue.readers(name));
        let too_much = |(_, rights): &(_, &Rights)| shown_bytes(&session.attributes, rights) > READ_BYTES_MAX;
        match readers.find(too_much) {
            Some((app, _)) => Err(PatchRefused::ReadTooLarge(app.clone())),
            None => Ok(()),
        }
    }
}

/// Attributes that go with a log-on are written by those who are part of it: not by the lasting cookie alone or what
/// opens no more, and not by a request that was logged-on when the session no longer is.
fn may_write_private(newest: &View<'_>, opened: Opened) -> bool {
    let log_on_of_others =
        newest.key().is_lasting() && newest.session().log_on().is_some() && newest.fall().is_none();
    let fallen_meanwhile = opened.standing == Standing::LoggedOn && newest.standing() != Standing::LoggedOn;
    !log_on_of_others && !fallen_meanwhile
}

#[cfg(test)]
mod tests;

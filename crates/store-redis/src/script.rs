//! The scripts that Redis runs for us: one round trip each, and atomic. Sent by their hash; by their text where the
//! server does not know them.

use redis::{Cmd, Script, cmd};

/// A script with its hash.
pub(crate) struct Known {
    text: &'static str,
    hash: String,
}

impl Known {
    fn new(text: &'static str) -> Self {
        Self { text, hash: Script::new(text).get_hash().to_owned() }
    }

    /// Loads it, so that its hash will do.
    pub(crate) fn load(&self) -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(self.text);
        load
    }
}

/// All scripts.
pub(crate) struct Scripts {
    pub(crate) create: Known,
    pub(crate) update: Known,
    pub(crate) end: Known,
    pub(crate) touch: Known,
    pub(crate) index: Known,
}

impl Scripts {
    /// Hashes each once.
    pub(crate) fn new() -> Self {
        Self {
            create: Known::new(include_str!("scripts/create.lua")),
            update: Known::new(include_str!("scripts/update.lua")),
            end: Known::new(include_str!("scripts/end.lua")),
            touch: Known::new(include_str!("scripts/touch.lua")),
            index: Known::new(include_str!("scripts/index.lua")),
        }
    }

    /// Each of them.
    pub(crate) fn all(&self) -> [&Known; 5] {
        [&self.create, &self.update, &self.end, &self.touch, &self.index]
    }
}

#[derive(Clone)]
enum Argument {
    Bytes(Vec<u8>),
    /// The channel of whichever master runs the script.
    Channel,
}

/// A script with its keys and arguments.
#[derive(Clone)]
pub(crate) struct Run<'s> {
    script: &'s Known,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Argument>,
}

impl<'s> Run<'s> {
    /// A run on one key.
    pub(crate) fn on(script: &'s Known, key: Vec<u8>) -> Self {
        Self::on_all(script, vec![key])
    }

    /// A run on several keys of one master.
    pub(crate) fn on_all(script: &'s Known, keys: Vec<Vec<u8>>) -> Self {
        Self { script, keys, arguments: Vec::new() }
    }

    /// One more argument.
    pub(crate) fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(Argument::Bytes(argument.into()));
        self
    }

    /// One more argument, as Redis writes numbers.
    pub(crate) fn number(self, argument: i64) -> Self {
        self.arg(argument.to_string())
    }

    /// The channel of the master that runs it, as one more argument.
    pub(crate) fn channel(mut self) -> Self {
        self.arguments.push(Argument::Channel);
        self
    }

    /// The first of its keys.
    pub(crate) fn key(&self) -> &[u8] {
        self.keys.first().map_or(&[], Vec::as_slice)
    }

    /// The command for a server that knows the script.
    pub(crate) fn by_hash(&self, channel: &[u8]) -> Cmd {
        self.command("EVALSHA", &self.script.hash, channel)
    }

    /// The command for one that does not. It has refused the other one, so nothing runs twice.
    pub(crate) fn by_text(&self, channel: &[u8]) -> Cmd {
        self.command("EVAL", self.script.text, channel)
    }

    fn command(&self, name: &str, script: &str, channel: &[u8]) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.keys.len());
        for key in &self.keys {
            command.arg(key.as_slice());
        }
        for argument in &self.arguments {
            match argument {
                Argument::Bytes(bytes) => command.arg(bytes.as_slice()),
                Argument::Channel => command.arg(channel),
            };
        }
        command
    }
}

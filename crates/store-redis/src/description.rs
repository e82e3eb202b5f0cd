//! What a server says about itself in `INFO`.

use std::collections::HashMap;

use redis::Value;

/// `INFO`, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Description(HashMap<String, String>);

impl Description {
    /// Reads the answer to `INFO`; `None` if it is none.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = match value {
            Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::VerbatimString { text, .. } => text.clone(),
            _ => return None,
        };
        let field = |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(field).collect()))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim())
    }

    /// The version whose commands it knows. Valkey says 7.2 here, and its own number elsewhere.
    pub(crate) fn version(&self) -> Option<(u32, u32)> {
        let mut parts = self.get("redis_version")?.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }

    /// The version as people read it.
    pub(crate) fn version_text(&self) -> &str {
        self.get("redis_version").unwrap_or("of unknown age")
    }

    /// Whether it is no server for entries but a sentinel.
    pub(crate) fn is_sentinel(&self) -> bool {
        // Valkey 8 has renamed it.
        ["redis_mode", "server_mode"].into_iter().any(|mode| self.get(mode) == Some("sentinel"))
    }

    /// Whether it is a node of a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.get("cluster_enabled") == Some("1") || self.get("redis_mode") == Some("cluster")
    }

    /// Whether it follows another server.
    pub(crate) fn is_replica(&self) -> bool {
        self.get("role") == Some("slave")
    }

    /// How many replicas follow it.
    pub(crate) fn replicas(&self) -> u32 {
        self.get("connected_slaves").and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// How it makes room when its memory is full, where that would take sessions away.
    pub(crate) fn eviction(&self) -> Option<&str> {
        let limited = self.get("maxmemory").is_some_and(|bytes| bytes != "0");
        self.get("maxmemory_policy").filter(|policy| limited && *policy != "noeviction")
    }

    /// Whether its memory has a limit at all.
    pub(crate) fn is_memory_limited(&self) -> bool {
        self.get("maxmemory").is_some_and(|bytes| bytes != "0")
    }

    /// Whether it writes each command to a file.
    pub(crate) fn has_append_only_file(&self) -> bool {
        self.get("aof_enabled") == Some("1")
    }

    /// Whether its last attempt to write that file failed.
    pub(crate) fn cannot_append(&self) -> bool {
        self.get("aof_last_write_status") == Some("err")
    }
}

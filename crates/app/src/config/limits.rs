//! `[limits]`: sizes and times of connections, each with a default that is safe on the open internet.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_message::head::{FIELDS_CEILING, HeadLimits};
use vestibule_proxy::Problem;
use vestibule_wire::{Limits, UpstreamLimits};

/// Limits and times of connections. What is left out keeps its default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes of a whole request or answer head. Default 65,536.
    pub head_bytes_max: Option<usize>,
    /// Field lines of a head, at most 256. Default 100.
    pub fields_max: Option<usize>,
    /// Bytes of one field. Default 16,384.
    pub field_bytes_max: Option<usize>,
    /// Bytes of a request target. Default 8,192.
    pub target_bytes_max: Option<usize>,
    /// Client connections open at once on one listener. Default 16,384; listeners of administration or metrics have 256
    /// of their own.
    pub connections_max: Option<usize>,
    /// Bytes of memory that request heads which have begun and not ended may hold in the process, beyond the first 16,384
    /// of each connection. Default 67,108,864.
    pub head_bytes_in_flight_max: Option<usize>,
    /// Milliseconds for a whole request head. Default 10,000.
    pub head_timeout_ms: Option<u64>,
    /// Milliseconds a connection may wait for its next request. Default 75,000.
    pub idle_timeout_ms: Option<u64>,
    /// Milliseconds a request's body may stand still. Default 30,000.
    pub body_timeout_ms: Option<u64>,
    /// Bytes a second that a body must come with on average, after that time. Default 256.
    pub body_bytes_per_second_min: Option<u64>,
    /// Milliseconds a client may take to read an answer of ours. Default 30,000.
    pub write_timeout_ms: Option<u64>,
    /// Idle connections a core keeps to one app. Default 64.
    pub app_idle_max: Option<usize>,
    /// Milliseconds an idle connection to an app is kept. Default 4,000.
    pub app_idle_ms: Option<u64>,
    /// Milliseconds one may have been idle to carry a request that must not be sent twice. Default 1,000.
    pub app_unsafe_idle_ms: Option<u64>,
}

impl LimitsConfig {
    /// The limits as wire takes them.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let time = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
        Limits {
            head: HeadLimits {
                head_bytes_max: self.head_bytes_max.unwrap_or(default.head.head_bytes_max),
                fields_max: self.fields_max.unwrap_or(default.head.fields_max),
                field_bytes_max: self.field_bytes_max.unwrap_or(default.head.field_bytes_max),
                target_bytes_max: self.target_bytes_max.unwrap_or(default.head.target_bytes_max),
            },
            head_bytes_in_flight_max: self
                .head_bytes_in_flight_max
                .unwrap_or(default.head_bytes_in_flight_max),
            head_timeout: time(self.head_timeout_ms, default.head_timeout),
            idle_timeout: time(self.idle_timeout_ms, default.idle_timeout),
            body_timeout: time(self.body_timeout_ms, default.body_timeout),
            body_bytes_per_second_min: self
                .body_bytes_per_second_min
                .unwrap_or(default.body_bytes_per_second_min),
            write_timeout: time(self.write_timeout_ms, default.write_timeout),
            upstream: UpstreamLimits {
                idle_per_upstream_max: self.app_idle_max.unwrap_or(default.upstream.idle_per_upstream_max),
                idle_max: time(self.app_idle_ms, default.upstream.idle_max),
                unsafe_idle_max: time(self.app_unsafe_idle_ms, default.upstream.unsafe_idle_max),
            },
        }
    }

    /// Values that cannot be meant.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem =
            |key: &str, what: String| problems.push(Problem { at: format!("limits.{key}"), what });
        if self.fields_max.is_some_and(|n| n > FIELDS_CEILING) {
            problem("fields_max", format!("must be at most {FIELDS_CEILING}"));
        }
        let at_least_one = [
            ("head_bytes_max", self.head_bytes_max),
            ("fields_max", self.fields_max),
            ("field_bytes_max", self.field_bytes_max),
            ("target_bytes_max", self.target_bytes_max),
            ("connections_max", self.connections_max),
            ("head_bytes_in_flight_max", self.head_bytes_in_flight_max),
        ];
        let times = [
            ("head_timeout_ms", self.head_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("body_timeout_ms", self.body_timeout_ms),
            ("write_timeout_ms", self.write_timeout_ms),
        ];
        let zero_sizes = at_least_one.iter().filter(|(_, n)| *n == Some(0)).map(|(key, _)| key);
        let zero_times = times.iter().filter(|(_, n)| *n == Some(0)).map(|(key, _)| key);
        for key in zero_sizes.chain(zero_times) {
            problem(key, "must be at least 1".to_owned());
        }
        problems
    }
}

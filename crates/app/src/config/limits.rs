//! `[limits]`: sizes and times of connections, each with a default that is safe on the open internet.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_message::head::{FIELDS_CEILING, HeadLimits};
use vestibule_routes::Problem;
use vestibule_wire::{Limits, UpstreamLimits};

/// A day, in milliseconds: what takes longer is no time limit any more.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Most bytes of a head and of what is in it.
const HEAD_BYTES_CEILING: u64 = 1024 * 1024;
/// Most connections of one listener.
const CONNECTIONS_CEILING: u64 = 1_000_000;
/// Most bytes a second that a body can be told to come with.
const BODY_RATE_CEILING: u64 = 1024 * 1024;
/// Most idle connections to one app.
const APP_IDLE_CEILING: u64 = 65_536;
/// Most idle connections to all apps.
const APP_IDLE_TOTAL_CEILING: u64 = 1_000_000;

/// Limits and times of connections. What is left out keeps its default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes of a whole request or answer head, 512 to 1,048,576. Default 65,536.
    pub head_bytes_max: Option<usize>,
    /// Field lines of a head, 1 to 256. Default 100.
    pub fields_max: Option<usize>,
    /// Bytes of one field, 128 to 1,048,576. Default 16,384.
    pub field_bytes_max: Option<usize>,
    /// Bytes of a request target, 64 to 1,048,576. Default 8,192.
    pub target_bytes_max: Option<usize>,
    /// Client connections open at once on one listener, 1 to 1,000,000. Default 16,384; listeners of administration or
    /// metrics have 256 of their own.
    pub connections_max: Option<usize>,
    /// Bytes of memory that request heads which have begun and not ended may hold in the process, beyond the first 16,384
    /// of each connection. Default 67,108,864.
    pub head_bytes_in_flight_max: Option<usize>,
    /// Milliseconds for a whole request head, up to 86,400,000 (a day), as with all times here. Default 10,000.
    pub head_timeout_ms: Option<u64>,
    /// Milliseconds a connection may wait for its next request. Default 75,000.
    pub idle_timeout_ms: Option<u64>,
    /// Milliseconds a request's body may stand still. Default 30,000.
    pub body_timeout_ms: Option<u64>,
    /// Bytes a second that a body must come with on average, after that time, up to 1,048,576. Default
    /// 256.
    pub body_bytes_per_second_min: Option<u64>,
    /// Milliseconds a client may take to read an answer of ours. Default 30,000.
    pub write_timeout_ms: Option<u64>,
    /// Idle connections a core keeps to one app, up to 65,536. Default 64.
    pub app_idle_max: Option<usize>,
    /// Connections to all apps that the process keeps from one request to the next, up to 1,000,000. Default 4,096.
    pub app_idle_total_max: Option<usize>,
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
                idle_total_max: self.app_idle_total_max.unwrap_or(default.upstream.idle_total_max),
                idle_max: time(self.app_idle_ms, default.upstream.idle_max),
                unsafe_idle_max: time(self.app_unsafe_idle_ms, default.upstream.unsafe_idle_max),
            },
        }
    }

    /// Values that cannot be meant.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let size = |size: Option<usize>| size.map(|size| size as u64);
        let numbers = [
            ("head_bytes_max", size(self.head_bytes_max), 512, HEAD_BYTES_CEILING),
            ("fields_max", size(self.fields_max), 1, FIELDS_CEILING as u64),
            ("field_bytes_max", size(self.field_bytes_max), 128, HEAD_BYTES_CEILING),
            ("target_bytes_max", size(self.target_bytes_max), 64, HEAD_BYTES_CEILING),
            ("connections_max", size(self.connections_max), 1, CONNECTIONS_CEILING),
            ("head_bytes_in_flight_max", size(self.head_bytes_in_flight_max), 1, u64::MAX),
            ("head_timeout_ms", self.head_timeout_ms, 1, DAY_MS),
            ("idle_timeout_ms", self.idle_timeout_ms, 1, DAY_MS),
            ("body_timeout_ms", self.body_timeout_ms, 1, DAY_MS),
            ("body_bytes_per_second_min", self.body_bytes_per_second_min, 0, BODY_RATE_CEILING),
            ("write_timeout_ms", self.write_timeout_ms, 1, DAY_MS),
            ("app_idle_max", size(self.app_idle_max), 0, APP_IDLE_CEILING),
            ("app_idle_total_max", size(self.app_idle_total_max), 0, APP_IDLE_TOTAL_CEILING),
            ("app_idle_ms", self.app_idle_ms, 0, DAY_MS),
            ("app_unsafe_idle_ms", self.app_unsafe_idle_ms, 0, DAY_MS),
        ];
        let beyond = |(key, number, least, most): (&str, Option<u64>, u64, u64)| {
            out_of(number?, least, most).map(|what| Problem { at: format!("limits.{key}"), what })
        };
        numbers.into_iter().filter_map(beyond).collect()
    }
}

/// What is said of a number that is not from `least` to `most`.
pub(super) fn out_of(number: u64, least: u64, most: u64) -> Option<String> {
    match number {
        _ if number < least => Some(format!("must be at least {least}")),
        _ if number > most => Some(format!("must be at most {most}")),
        _ => None,
    }
}

//! The documents in the tree are what the program says now.

use std::path::Path;

use super::{page, schema};
use crate::config::Config;
use crate::serve;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_page_is_what_the_program_reads() {
    assert!(document("configuration.md") == page(), "docs/configuration.md is outdated: cargo xtask codegen");
}

#[test]
fn the_schema_is_what_the_program_reads() {
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let name = "configuration.schema.json";
    assert!(document(name) == schema, "docs/{name} is outdated: cargo xtask codegen");
}

#[test]
fn a_key_is_told_with_its_kind_and_its_meaning() {
    let page = page();
    for line in [
        "## `[sessions]`",
        "## `[[route]]`",
        "## `[[idp.clients]]`",
        "## `[idp.lifetimes]`",
        "| `cache_bytes` | number | Memory for cached sessions, in bytes. Default 256 MiB. |",
        "| `when_unknown` | `refuse`, `anonymous` |",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}

#[test]
fn every_example_can_be_served() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for example in ["example.toml", "examples/postgres.toml", "examples/redis.toml", "examples/mongo.toml"] {
        let config = Config::read(&docs.join(example)).unwrap_or_else(|bad| panic!("{bad}"));
        serve::check(&config).unwrap_or_else(|bad| panic!("{bad}"));
    }
}

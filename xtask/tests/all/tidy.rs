//! Every rule finds what it forbids, at its line, and leaves a clean tree alone.

use std::fs;
use std::path::Path;

use crate::fixture::{Ended, Fixture, xtask};

#[test]
fn a_clean_tree_passes() {
    Fixture::clean().run("tidy").assert_passed_with("nothing to do");
}

/// Plants one file into a clean tree; what is printed must begin a line with `expected`.
#[track_caller]
fn assert_found(path: &str, text: &str, expected: &str) {
    let fixture = Fixture::clean();
    fixture.write(path, text);
    let ended = fixture.run("tidy");
    assert!(!ended.passed, "{path} passed");
    let found = ended.printed.lines().any(|line| line.starts_with(expected));
    assert!(found, "expected {expected}, got\n{}", ended.printed);
}

/// The same, for a line after a `//!` head in a file of `message`.
#[track_caller]
fn assert_found_in_code(line: &str, expected: &str) {
    assert_found("crates/message/src/head.rs", &format!("//! Heads.\n{line}\n"), expected);
}

fn manifest(package: &str, rest: &str) -> String {
    format!("[package]\nname = \"{package}\"\n\n{rest}\n")
}

#[test]
fn floors_refuse_an_import_that_does_not_go_down() {
    for (member, table, dependency) in [
        ("message", "dependencies", "vestibule-wire.workspace = true"),
        ("message", "dev-dependencies", "vestibule-oauth = { path = \"../oauth\" }"),
        ("message", "target.'cfg(unix)'.dependencies", "vestibule-routes.workspace = true"),
        ("message", "build-dependencies", "down = { package = \"vestibule-domain\", path = \"../domain\" }"),
        ("proxy", "dependencies", "vestibule-idp.workspace = true"),
        ("proxy", "dependencies", "vestibule-testkit.workspace = true"),
        ("wire", "dependencies", "vestibule-domain.workspace = true"),
        ("store-embedded", "dependencies", "vestibule-message.workspace = true"),
        ("routes", "dependencies", "vestibule-domain.workspace = true"),
        ("wire", "dependencies", "anyhow = \"1\""),
    ] {
        let path = format!("crates/{member}/Cargo.toml");
        let text = manifest(&format!("vestibule-{member}"), &format!("[{table}]\n{dependency}"));
        assert_found(&path, &text, &format!("{path}:5: floors:"));
    }
}

#[test]
fn floors_allow_what_goes_down_and_testkit_in_tests() {
    let fixture = Fixture::clean();
    let imports = "[dependencies]\nvestibule-message.workspace = true\nvestibule-wire.workspace = true\n\n\
                   [dev-dependencies]\nvestibule-testkit.workspace = true";
    fixture.write("crates/proxy/Cargo.toml", &manifest("vestibule-proxy", imports));
    let ended = fixture.run("tidy");
    assert!(!ended.printed.contains("floors:"), "{}", ended.printed);
}

#[test]
fn floors_want_a_place_a_line_in_the_architecture_and_no_features() {
    let path = "crates/attic/Cargo.toml";
    assert_found(
        path,
        &manifest("vestibule-attic", ""),
        "crates/attic/Cargo.toml:1: floors: `vestibule-attic` stands",
    );
    let path = "crates/kube/Cargo.toml";
    assert_found(
        path,
        &manifest("vestibule-kube", ""),
        "crates/kube/Cargo.toml:1: floors: say in ARCHITECTURE.md",
    );
    let path = "crates/wire/Cargo.toml";
    let text = manifest("vestibule-wire", "[features]\nfast = []");
    assert_found(path, &text, "crates/wire/Cargo.toml:1: floors: cargo features");
    assert_found(path, "[package", "crates/wire/Cargo.toml:1: floors: no TOML");
}

#[test]
fn purity_keeps_the_world_out_of_the_lower_floors() {
    let path = "crates/message/Cargo.toml";
    let text = manifest("vestibule-message", "[dependencies]\ntokio = \"1\"");
    assert_found(path, &text, "crates/message/Cargo.toml:5: purity: tokio");
    assert_found_in_code("async fn head() {}", "crates/message/src/head.rs:2: purity: nothing here waits");
    assert_found_in_code("use std::fs::read;", "crates/message/src/head.rs:2: purity: std::fs");
    assert_found_in_code(
        "use std::net::{IpAddr, TcpStream};",
        "crates/message/src/head.rs:2: purity: a socket",
    );
}

#[test]
fn dependencies_are_explained_and_used() {
    let text = manifest("vestibule-wire", "[dependencies]\nbytes = \"1\"");
    assert_found(
        "crates/wire/Cargo.toml",
        &text,
        "crates/wire/Cargo.toml:5: dependencies: bytes has no line",
    );
    let ledger = "| `memchr` | scans |\n| `bytes` | holds |\n";
    assert_found(
        "docs/dependencies.md",
        ledger,
        "docs/dependencies.md:2: dependencies: no manifest names bytes",
    );
    let root = "[workspace]\n\n[workspace.dependencies]\nmemchr = \"2\"\nbytes = \"1\"\n";
    assert_found("Cargo.toml", root, "Cargo.toml:5: dependencies: no crate uses bytes");
}

/// `count` lines in all.
fn file_of(count: usize) -> String {
    format!("//! Long.\n{}", "// x\n".repeat(count - 1))
}

/// A function from line 2, `count` lines long.
fn function_of(count: usize) -> String {
    format!("//! Long.\npub fn long(a: [u8; 2]) {{\n{}}}\n", "    a();\n".repeat(count - 2))
}

#[test]
fn sizes_hold_files_and_functions_to_their_limits() {
    let path = "crates/message/src/long.rs";
    assert_found(path, &file_of(501), "crates/message/src/long.rs:1: sizes: 501 lines");
    assert_found(path, &function_of(71), "crates/message/src/long.rs:2: sizes: fn long has 71 lines");
    let fixture = Fixture::clean();
    fixture.write(path, &file_of(500));
    fixture.write("crates/message/src/longer.rs", &function_of(70));
    fixture.write("crates/message/src/long/tests.rs", &file_of(900));
    fixture.run("tidy").assert_passed_with("nothing to do");
}

#[test]
fn an_exception_holds_for_the_size_it_names_and_may_only_shrink() {
    let exception = |lines: usize, reason: &str| {
        format!(
            "[[exception]]\npath = \"crates/message/src/long.rs\"\nfunction = \"long\"\nlines = {lines}\n\
             reason = \"{reason}\"\n"
        )
    };
    let run = |actual: usize, allowed: usize, reason: &str| {
        let fixture = Fixture::clean();
        fixture.write("crates/message/src/long.rs", &function_of(actual));
        fixture.write("xtask/exceptions.toml", &exception(allowed, reason));
        fixture.run("tidy")
    };
    run(80, 80, "one table").assert_passed_with("nothing to do");
    run(81, 80, "one table")
        .assert_failed_with("xtask/exceptions.toml:2: sizes: long grew from 80 to 81 lines");
    run(79, 80, "one table").assert_failed_with("xtask/exceptions.toml:2: sizes: long shrank to 79 lines");
    run(70, 80, "one table").assert_failed_with("xtask/exceptions.toml:2: sizes: long needs no exception");
    run(80, 80, " ")
        .assert_failed_with("xtask/exceptions.toml:2: sizes: the exception for long gives no reason");
    let path = "xtask/exceptions.toml";
    assert_found(path, "[[exception]]\nall = true\n", "xtask/exceptions.toml:1: sizes: cannot be read");
}

#[test]
fn heads_are_one_to_five_lines() {
    let path = "crates/message/src/head.rs";
    assert_found(path, "pub fn head() {}\n", "crates/message/src/head.rs:1: heads:");
    assert_found(path, &"//! Heads.\n".repeat(6), "crates/message/src/head.rs:6: heads:");
}

#[test]
fn names_are_nouns_and_there_is_one_test_binary() {
    let head = "//! Nothing in particular.\n";
    for path in
        ["crates/message/src/utils.rs", "crates/wire/src/misc/pool.rs", "crates/wire/src/pool_manager.rs"]
    {
        assert_found(path, head, &format!("{path}:1: names:"));
    }
    assert_found(
        "crates/wire/src/pool/mod.rs",
        head,
        "crates/wire/src/pool/mod.rs:1: names: call it pool.rs",
    );
    assert_found_in_code("mod common {}", "crates/message/src/head.rs:2: names: `common`");
    assert_found(
        "crates/proxy/tests/more.rs",
        head,
        "crates/proxy/tests/more.rs:1: names: a second test binary",
    );
}

#[test]
fn leftovers_are_found_in_code_and_in_text_but_not_in_strings() {
    for line in ["fn f() { @!() }", "macro_rules! m { () => { @!() } }"] {
        for stub in ["todo", "unimplemented", "dbg"] {
            assert_found_in_code(&line.replace('@', stub), "crates/message/src/head.rs:2: leftovers:");
        }
    }
    for attribute in ["#[*]\nfn f() {}", "#![*(dead_code)]"] {
        for word in
            ["ignore", "allow"].into_iter().filter(|word| !(attribute.contains('!') && *word == "ignore"))
        {
            assert_found_in_code(&attribute.replace('*', word), "crates/message/src/head.rs:2: leftovers:");
        }
    }
    let note = format!("// {}: later", ["TO", "DO"].concat());
    assert_found_in_code(&note, "crates/message/src/head.rs:2: leftovers:");
    assert_found("docs/plan.md", &note, "docs/plan.md:1: leftovers:");
    let fixture = Fixture::clean();
    fixture.write(
        "crates/message/src/head.rs",
        "//! Heads.\n// dbg! is a macro\nconst S: &str = \"#[allow(x)]\";\n",
    );
    fixture.run("tidy").assert_passed_with("nothing to do");
}

#[test]
fn tests_advance_the_clock() {
    let nap = format!("//! Tests.\nfn f() {{ tokio::select! {{ _ = {}(t) => {{}} }} }}\n", "sleep");
    for path in
        ["crates/wire/src/pool/tests.rs", "crates/proxy/tests/all/main.rs", "crates/testkit/src/peer.rs"]
    {
        assert_found(path, &nap, &format!("{path}:2: leftovers: a test sleeps"));
    }
}

#[test]
fn only_reply_names_statuses() {
    for named in ["Status::new(404)", "StatusCode::OK", "StatusCode::from_u16(404)"] {
        let text = format!("//! A phase.\nfn f() {{ answer({named}) }}\n");
        assert_found("crates/proxy/src/request.rs", &text, "crates/proxy/src/request.rs:2: statuses:");
        assert_found("crates/wire/src/relay.rs", &text, "crates/wire/src/relay.rs:2: statuses:");
    }
    let fixture = Fixture::clean();
    fixture
        .write("crates/wire/src/host.rs", "//! Passes on.\nfn f(code: u16) { answer(Status::new(code)) }\n");
    fixture.run("tidy").assert_passed_with("nothing to do");
}

#[test]
fn machine_finds_homes_and_the_place_of_the_checkout() {
    let home = ["/ho", "me/somebody/vestibule"].concat();
    assert_found("docs/try.md", &format!("Go to {home}.\n"), "docs/try.md:1: machine:");
    let fixture = Fixture::clean();
    let own = fixture.path().canonicalize().unwrap();
    fixture.write("docs/try.md", &format!("One.\nOpen {}/README.md\n", own.display()));
    fixture.run("tidy").assert_failed_with("docs/try.md:2: machine:");
    let fixture = Fixture::clean();
    fixture.write("docs/try.md", &format!("A page at https://example.org{home}\n"));
    fixture.run("tidy").assert_passed_with("nothing to do");
}

/// The tree this test belongs to, with the one import planted that would turn the house upside down.
#[test]
fn this_tree_with_an_upward_import_fails() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let fixture = Fixture::empty();
    copy_text(own, fixture.path());
    let path = fixture.path().join("crates/message/Cargo.toml");
    let text = fs::read_to_string(&path).unwrap();
    let planted = text.replace("[dependencies]\n", "[dependencies]\nvestibule-wire.workspace = true\n");
    assert_ne!(planted, text);
    fs::write(&path, planted).unwrap();
    let line = text.lines().position(|line| line == "[dependencies]").unwrap() + 2;
    let ended = Ended::of(&xtask().args(["tidy", "--root"]).arg(fixture.path()).output().unwrap());
    ended.assert_failed_with(&format!(
        "crates/message/Cargo.toml:{line}: floors: `message` on floor 1 may not import `wire` on floor 3"
    ));
}

/// Copies what tidy reads, not what was built or what git keeps.
fn copy_text(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && ![".git", "target", "vestibule-demo"].iter().any(|skipped| name == *skipped) {
            copy_text(&entry.path(), &to.join(name));
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

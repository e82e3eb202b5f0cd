//! The dependencies that a Cargo.toml names, whatever table they stand in.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Finding;
use super::tree::{File, Tree};

pub(super) struct Manifest<'t> {
    pub(super) file: &'t File,
    /// `None` for a workspace without a package.
    pub(super) package: Option<String>,
    pub(super) has_features: bool,
    pub(super) dependencies: Vec<Dependency>,
}

pub(super) struct Dependency {
    /// The package's own name, also where the manifest renames it.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Linked into what the package builds, or run to build it.
    Normal,
    /// For its tests.
    Dev,
    /// A version for the members to inherit, in the root manifest.
    Workspace,
}

const TABLES: [(&str, Kind); 3] =
    [("dependencies", Kind::Normal), ("build-dependencies", Kind::Normal), ("dev-dependencies", Kind::Dev)];

/// Every manifest of the tree; one that is no TOML is a finding.
pub(super) fn read(tree: &Tree) -> (Vec<Manifest<'_>>, Vec<Finding>) {
    let mut manifests = Vec::new();
    let mut findings = Vec::new();
    let root = tree.file("Cargo.toml").and_then(|root| DeTable::parse(&root.text).ok());
    let inherited = root.as_ref().and_then(|root| table(table(root.get_ref(), "workspace")?, "dependencies"));
    for file in tree.manifests() {
        match DeTable::parse(&file.text) {
            Ok(table) => manifests.push(Manifest::of(file, table.get_ref(), inherited)),
            Err(e) => findings.push(Finding::new(&file.path, 1, format!("no TOML: {}", e.message()))),
        }
    }
    (manifests, findings)
}

impl<'t> Manifest<'t> {
    fn of(file: &'t File, manifest: &DeTable, inherited: Option<&DeTable>) -> Self {
        let mut dependencies = Vec::new();
        let mut collect = |table: Option<&DeTable>, kind| {
            for (key, value) in table.into_iter().flatten() {
                let renamed =
                    package_of(value).or_else(|| package_of(inherited?.get(key.get_ref().as_ref())?));
                let name = renamed.unwrap_or(key.get_ref().as_ref()).into();
                dependencies.push(Dependency { name, kind, line: line_of(&file.text, key.span()) });
            }
        };
        let targets = table(manifest, "target").into_iter().flatten();
        for place in targets.filter_map(|(_, target)| target.get_ref().as_table()).chain([manifest]) {
            for (name, kind) in TABLES {
                collect(table(place, name), kind);
            }
        }
        collect(
            table(manifest, "workspace").and_then(|workspace| table(workspace, "dependencies")),
            Kind::Workspace,
        );
        Self {
            file,
            package: table(manifest, "package").and_then(|package| text(package, "name")).map(Into::into),
            has_features: manifest.contains_key("features"),
            dependencies,
        }
    }
}

fn table<'a, 'i>(parent: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    parent.get(key)?.get_ref().as_table()
}

fn text<'a>(parent: &'a DeTable, key: &str) -> Option<&'a str> {
    parent.get(key)?.get_ref().as_str()
}

fn package_of<'a>(dependency: &'a Spanned<DeValue>) -> Option<&'a str> {
    text(dependency.get_ref().as_table()?, "package")
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    text[..span.start].matches('\n').count() + 1
}

//! The chart: operations a second of each store, one panel for each of the operations that make up a visitor's request.
//! Plain SVG; bars on a logarithmic scale, because a hundredfold lies between the stores.

use std::fmt::Write as _;

use super::report::{Report, grouped};
use super::work::Operation;

const PANELS: [Operation; 4] = [Operation::Read, Operation::Patch, Operation::Create, Operation::View];
const CALLERS: usize = 64;
const LABEL: f64 = 190.0;
const BAR: f64 = 420.0;
const ROW: f64 = 20.0;
const HEAD: f64 = 34.0;
const WIDTH: f64 = LABEL + BAR + 90.0;
/// The shortest bar stands for this many a second.
const LEAST: f64 = 100.0;

/// The whole picture. Its colours stand on light and on dark pages.
pub(super) fn draw(report: &Report) -> String {
    let panel = HEAD + ROW * report.names.len() as f64 + 12.0;
    let height = panel * PANELS.len() as f64;
    let rates = |operation| {
        (0..report.names.len()).map(move |at| report.per_second(operation, CALLERS, at).unwrap_or(0.0))
    };
    let most = PANELS.iter().flat_map(|operation| rates(*operation)).fold(LEAST * 10.0, f64::max);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" font-family="sans-serif" font-size="13">"#
    );
    let _ = writeln!(svg, "<title>Operations a second of each store, {CALLERS} callers, logarithmic</title>");
    let _ = writeln!(svg, r#"<rect width="100%" height="100%" fill="white"/>"#);
    for (at, operation) in PANELS.into_iter().enumerate() {
        let top = panel * at as f64;
        let _ = writeln!(
            svg,
            r#"<text x="8" y="{:.0}" font-weight="bold">{}, a second ({CALLERS} callers)</text>"#,
            top + 22.0,
            operation.name()
        );
        for (row, (name, rate)) in report.names.iter().zip(rates(operation)).enumerate() {
            let y = top + HEAD + ROW * row as f64;
            let share = (rate.max(LEAST) / LEAST).ln() / (most / LEAST).ln();
            let length = (share * BAR).max(1.0);
            let (base, end) = (y + 13.0, LABEL + length + 6.0);
            let _ = writeln!(
                svg,
                r#"<text x="{:.0}" y="{base:.0}" text-anchor="end">{name}</text>"#,
                LABEL - 8.0
            );
            let _ = writeln!(
                svg,
                r##"<rect x="{LABEL}" y="{:.0}" width="{length:.1}" height="14" fill="#3b6ea5"/>"##,
                y + 2.0
            );
            let _ = writeln!(svg, r#"<text x="{end:.0}" y="{base:.0}">{}</text>"#, grouped(rate));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

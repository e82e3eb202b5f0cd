//! A page of the documentation that a benchmark writes its tables into, between two marks.

use std::path::Path;

use crate::fault::Fault;

/// Puts a text between the marks of a page, in place of what stood there.
pub(crate) fn put(page: &Path, [begin, end]: [&str; 2], text: &str) -> Result<(), Fault> {
    const STEP: &str = "writing the tables";
    let old = std::fs::read_to_string(page).map_err(Fault::at(STEP))?;
    let missing = || Fault::Step(STEP, format!("{} lacks '{begin}' or '{end}'", page.display()));
    let (before, rest) = old.split_once(begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    std::fs::write(page, format!("{before}{begin}\n{}\n{end}{after}", text.trim_end()))
        .map_err(Fault::at(STEP))
}

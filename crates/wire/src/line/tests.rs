//! Lines are JSON whatever they are told, and a stuck log loses lines instead of time.

use vestibule_testkit::log::Log;

use super::*;

#[test]
fn one_escaped_record_a_line() {
    let out = Log::default();
    let (sink, writer) = LineSink::start(Box::new(out.clone())).unwrap();
    let mut lines = Lines::new(Some(sink));
    lines.add(|line| {
        line.text("path", b"/a\r\n{\"x\":1}\x1b[0m\xff\\");
        line.number("status", 200);
    });
    lines.add(|line| line.text("long", vec![b'a'; 5000]));
    drop(lines);
    assert!(writer.is_done_within(Duration::from_secs(10)));
    let text = out.text();
    let mut read = text.lines();
    assert_eq!(read.next(), Some(r#"{"path":"/a\u000d\u000a{\"x\":1}\u001b[0m\u00ff\\","status":200}"#));
    assert_eq!(read.next().map(str::len), Some(VALUE_BYTES_MAX + 11));
    assert_eq!(read.next(), None);
}

#[test]
fn a_stuck_log_loses_lines_and_counts_them() {
    let (blocks, waiting) = sync_channel(1);
    let sink = LineSink { blocks, dropped: Arc::default() };
    let mut lines = Lines::new(Some(sink.clone()));
    for _ in 0..3 {
        lines.add(|line| line.number("n", 1));
        lines.hand_over();
    }
    assert_eq!(sink.dropped().load(Ordering::Relaxed), 2);
    assert_eq!(waiting.try_iter().count(), 1);
}

/// As a full disk, or a pipe whose reader has gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    let (sink, writer) = LineSink::start(Box::new(Broken)).unwrap();
    let dropped = Arc::clone(sink.dropped());
    let mut lines = Lines::new(Some(sink));
    for _ in 0..3 {
        lines.add(|line| line.number("n", 1));
    }
    drop(lines);
    assert!(writer.is_done_within(Duration::from_secs(10)));
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

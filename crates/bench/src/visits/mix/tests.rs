//! The mix must be what its page says.

use super::{SCRIPT, Step, VIEWS_PER_LOG_ON, script};

#[test]
fn the_script_has_its_shares() {
    let script = script("shop.example", &["; __Host-vst-keep=r".to_owned()], &["; __Host-vst=l".to_owned()]);
    let count = |of: fn(&Step) -> bool| script.iter().filter(|step| of(step)).count();
    let of = |step: &Step, cookie: &[u8]| match step {
        Step::Page(request) | Step::Patch(request) => memchr::memmem::find(request, cookie).is_some(),
        Step::LogOn => false,
    };
    let returning = script.iter().filter(|step| of(step, b"__Host-vst-keep=r")).count();
    let logged_on = script.iter().filter(|step| of(step, b"__Host-vst=l")).count();
    let (patches, log_ons) =
        (count(|step| matches!(step, Step::Patch(_))), count(|step| *step == Step::LogOn));

    assert_eq!((log_ons, script.len()), (SCRIPT / VIEWS_PER_LOG_ON, SCRIPT + log_ons));
    assert!((SCRIPT * 14 / 100..SCRIPT * 16 / 100).contains(&returning), "{returning}");
    assert!((SCRIPT * 4 / 100..SCRIPT * 6 / 100).contains(&logged_on), "{logged_on}");
    let known = returning + logged_on;
    assert_eq!(patches, known * 7 / 100);
}

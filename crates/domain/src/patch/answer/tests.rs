//! Every status, place and author.

use super::*;
use crate::patch_refused::Unheeded;

#[test]
fn only_the_apps_own_final_head_below_500_counts() {
    use Unheeded::*;
    let app = |status| Answer { status, fields: 1, place: Place::Head, by: AnsweredBy::App };
    let cases = [
        (app(100), Err(NotFinal)),
        (app(101), Err(NotFinal)),
        (app(103), Err(NotFinal)),
        (app(199), Err(NotFinal)),
        (app(200), Ok(())),
        (app(204), Ok(())),
        (app(303), Ok(())),
        (app(304), Ok(())),
        (app(404), Ok(())),
        (app(499), Ok(())),
        (app(500), Err(Failed)),
        (app(503), Err(Failed)),
        (app(599), Err(Failed)),
        (Answer { fields: 2, ..app(200) }, Err(Doubled)),
        (Answer { place: Place::Trailers, ..app(200) }, Err(Trailers)),
        (Answer { by: AnsweredBy::EarlierTry, ..app(200) }, Err(EarlierTry)),
        (Answer { by: AnsweredBy::Ourselves, ..app(200) }, Err(NotTheApps)),
        (Answer { by: AnsweredBy::Ourselves, ..app(502) }, Err(NotTheApps)),
    ];
    for (answer, expected) in cases {
        assert_eq!(heed(&answer), expected, "{answer:?}");
    }
}

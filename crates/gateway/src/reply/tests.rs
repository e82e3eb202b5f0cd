//! What every refusal has, whatever it says.

use super::*;

#[test]
fn no_answer_of_ours_may_be_framed_read_across_sites_or_kept() {
    let answers = [
        refusal(&Refusal::Route(NoRoute::Path)),
        refusal(&Refusal::Unidentified(Unidentified::Missing)),
        refusal(&Refusal::Token),
        refusal(&Refusal::Bug),
        relay_fault(&RelayFault::BodySlow),
        relay_fault(&RelayFault::AnswerSlow),
    ];
    for answer in answers {
        let fields = String::from_utf8(answer.fields().as_bytes().to_vec()).unwrap();
        for line in [
            "cache-control: no-store\r\n",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n",
        ] {
            assert!(fields.contains(line), "{}: no {line}", answer.status().code());
        }
    }
}

//! What is printed lets people in, whatever a run before has left.

use std::sync::Arc;

use vestibule_idp::config::{Config, PasswordCost};
use vestibule_ports::clock::SystemClock;
use vestibule_ports::entropy::SystemEntropy;
use vestibule_registry::login_name::LoginName;
use vestibule_registry::{Caps, Registry};

use super::record::User;
use super::*;

#[test]
fn a_user_of_a_run_before_gets_the_password_that_is_printed_and_keeps_one_that_is_on_record() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let registry = Arc::new(Registry::in_memory(Caps::default()).unwrap());
    let cost = PasswordCost { memory_kib: 8, passes: 1, ..PasswordCost::default() };
    let config = Config { password_cost: cost, ..Config::default() };
    let idp = {
        let _inside = runtime.enter();
        Idp::new(config, Arc::clone(&registry), Arc::new(SystemClock::new()), Arc::new(SystemEntropy))
            .unwrap()
    };
    let hash = || registry.credentials(&LoginName::parse(VISITOR).unwrap()).unwrap().unwrap().password;
    let ensure = |password: &str, is_new| {
        let user = User { password: password.to_owned() };
        runtime.block_on(ensure_user(&idp, VISITOR, "Alice Larsen", &user, is_new)).unwrap();
        hash()
    };

    let first = ensure("the password of the first run", true);
    assert_eq!(ensure("the password of the first run", false), first);
    assert_ne!(ensure("the password of the second run", true), first);
}

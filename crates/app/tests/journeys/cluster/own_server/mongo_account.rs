//! The account that nodes use at a MongoDB with users, and the rights that it is given and loses.

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::runtime::Runtime;
use vestibule_testkit::server::mongo::{ROOT, ROOT_PASSWORD, ReplicaSet};

use super::ACCOUNT;

/// Its password.
pub(in super::super) const PASSWORD: &str = "password-of-tests";

/// Makes the account, which may do anything in this database.
pub(super) fn make(set: &ReplicaSet, database: &str) {
    order(set, &[doc! { "createUser": ACCOUNT, "pwd": PASSWORD, "roles": [role("readWrite", database)] }]);
}

/// From now on it may read, and no longer write.
pub(super) fn take_writing(set: &ReplicaSet, database: &str) {
    order(
        set,
        &[
            doc! { "grantRolesToUser": ACCOUNT, "roles": [role("read", database)] },
            doc! { "revokeRolesFromUser": ACCOUNT, "roles": [role("readWrite", database)] },
        ],
    );
}

/// It may write again.
pub(super) fn give_writing(set: &ReplicaSet, database: &str) {
    order(set, &[doc! { "grantRolesToUser": ACCOUNT, "roles": [role("readWrite", database)] }]);
}

fn role(name: &str, database: &str) -> Document {
    doc! { "role": name, "db": database }
}

fn order(set: &ReplicaSet, commands: &[Document]) {
    let login = format!("mongodb://{ROOT}:{}@", ROOT_PASSWORD.replace(' ', "%20"));
    let url = set.url("admin").replace("mongodb://", &login);
    let runtime = Runtime::new().expect("the machine has threads");
    runtime.block_on(async {
        let admin = Client::with_uri_str(url).await.expect("a URL").database("admin");
        for command in commands {
            admin.run_command(command.clone()).await.expect("root may do that");
        }
    });
}

//! The proxy's own addresses under `/.vestibule/`: one file each.

pub(crate) mod callback;
mod limiter;
pub(crate) mod log_in;
mod log_out;
mod session;

use vestibule_message::method::Method;
use vestibule_wire::{Exchange, Served};

use crate::open::Porter;
use crate::site::Site;
use crate::visit::Visit;
use crate::{Note, Proxy, Visitors, reply};

pub(crate) use limiter::Limiter;
pub(crate) use log_in::Ask;
pub(crate) use log_out::{LoggedOut, end_everything};

/// Beginning of every address of ours. No app gets a request for one.
pub(crate) const PREFIX: &str = "/.vestibule/";

/// What a call of ours works with.
pub(crate) struct Call<'p> {
    pub(crate) proxy: &'p Proxy,
    pub(crate) visitors: &'p Visitors,
    pub(crate) site: &'p Site,
    pub(crate) visit: Visit<'p>,
}

impl Call<'_> {
    pub(crate) fn porter(&self) -> Porter<'_> {
        Porter::new(self.proxy, self.visitors, self.site, &self.visit)
    }
}

/// Serves an address of ours.
pub(crate) async fn serve(call: Call<'_>, mut x: Exchange<'_, Note>) -> Served {
    let method = x.head().method();
    let read = matches!(method, Method::Get | Method::Head);
    let target = x.head().target().clone();
    let answer = match target.path() {
        "/.vestibule/login" if method == Method::Get => log_in::serve(&call, &target, x.note()).await,
        "/.vestibule/callback" if method == Method::Get => callback::serve(&call, &target, x.note()).await,
        "/.vestibule/session" if read => session::serve(&call, &target, x.note()).await,
        "/.vestibule/logout" if method == Method::Post => log_out::serve(&call, &mut x).await,
        "/.vestibule/login" | "/.vestibule/callback" => reply::method("GET"),
        "/.vestibule/session" => reply::method("GET, HEAD"),
        "/.vestibule/logout" => reply::method("POST"),
        _ => reply::no_route(vestibule_routes::NoRoute::Path, &x.head()),
    };
    x.answer(call.visit.dress(answer)).await
}

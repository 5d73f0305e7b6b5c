//! Domains and addresses as values of options: readers like those of
//! `values.rs`. The grammar is that of the protocol (RFC 5321 4.1.2), and it
//! refuses control characters.

use super::values::Read;
use crate::mailbox::directory::is_plain;
use crate::protocol::address::{self, Host, Mailbox};
use crate::protocol::session::LocalMailbox;

const ADDRESS: &str = "an address, such as bob@example.org";

/// `ADDRESS` of an envelope: no name beside it, no angle brackets, no source
/// route.
pub(super) fn envelope_address(text: &str) -> Read<Mailbox> {
    match address::mailbox(text) {
        Ok(mailbox) if !text.starts_with('@') => Ok(mailbox),
        Ok(_) | Err(_) => Err(ADDRESS.to_owned()),
    }
}

/// `ADDRESS` of a mailbox on this machine. Its names become folders, so the
/// alphabet is narrow: `[a-z0-9][a-z0-9._+-]{0,63}` before the `@`.
pub(super) fn local_mailbox(text: &str) -> Read<LocalMailbox> {
    let mailbox = address::mailbox(text).map_err(|_| ADDRESS.to_owned())?;
    let local_part = mailbox.local_part.to_ascii_lowercase();
    // In the name of a mailbox a + is as good as a hyphen.
    if !is_plain(&local_part.replace('+', "-")) {
        let what = "a mailbox of letters, digits and . _ + - only";
        return Err(what.to_owned());
    }
    let domain = local_host(mailbox.host, ADDRESS)?.canonical();
    Ok(LocalMailbox { domain, local_part })
}

/// A domain or an address literal.
pub(super) fn host(text: &str, example: &str) -> Read<Host> {
    let what = format!("a domain name, such as {example}");
    match address::whole_host(text) {
        Ok(host) => local_host(host, &what),
        Err(_) => Err(what),
    }
}

/// A host that may have a folder of its own. `[tag:content]` may not: there
/// may be a slash in it.
fn local_host(host: Host, what: &str) -> Read<Host> {
    match host {
        Host::Domain(name) if !name.is_ascii() => Err(in_ascii()),
        Host::Domain(_) | Host::Address(_) => Ok(host),
        Host::General(_) => Err(what.to_owned()),
    }
}

/// What a name should have been that is beyond ASCII.
///
/// A host name in DNS is ASCII. Turning other letters into it takes the tables
/// of a package of its own (IDNA), so that is left to the user.
pub(super) fn in_ascii() -> String {
    "in ASCII; write its A-label form, such as xn--bcher-kva.example".to_owned()
}

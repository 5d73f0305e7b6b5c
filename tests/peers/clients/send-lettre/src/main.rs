//! Sends one message with lettre, as its documentation shows:
//!
//!     send-with-lettre PORT FROM FILE TO...
//!
//! FILE has the lines of the wire: lettre sends bytes as they are.

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use lettre::address::Envelope;
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};

const REFUSED: u8 = 69;
const LATER: u8 = 75;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, from, file, to @ ..] = arguments.as_slice() else {
        return Err("usage: send-with-lettre PORT FROM FILE TO...".into());
    };
    let to: Result<Vec<_>, _> = to.iter().map(|to| to.parse()).collect();
    let envelope = Envelope::new(Some(from.parse()?), to?)?;
    let mailer = SmtpTransport::builder_dangerous("127.0.0.1")
        .port(port.parse()?)
        .hello_name(ClientId::Domain("client.example".into()))
        .build();
    match mailer.send_raw(&envelope, &fs::read(file)?) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("{error}");
            let is_final = error.is_permanent() || error.is_client();
            let code = if is_final { REFUSED } else { LATER };
            Ok(ExitCode::from(code))
        }
    }
}

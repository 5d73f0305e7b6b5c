//! The program: picks the command, prints, and says how it ended.
//!
//! Exit codes: 0 done, 1 could not be done, 2 wrong usage. `replay` has codes
//! of its own.

use env_logger::Target;
use log::LevelFilter;
use pillarbox::console::{self, Console};
use pillarbox::options::{self, Invocation};
use pillarbox::protocol::trace;
use pillarbox::server::{self, LIVE_DIALOGUE, Server, Settings};
use pillarbox::transcript;
use pillarbox::transcript::command::{self, World};
use pillarbox::transcript::record::proxy::{Proxy, ProxySettings};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::panic;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long we wait at the end until the log is written.
const LAST_LINES: Duration = Duration::from_secs(1);

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

// ANCHOR: main
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let outcome = match options::parse(&arguments) {
        Err(complaint) => return fail(WRONG_USAGE, &complaint),
        Ok(Invocation::Print(text)) => print(&text),
        Ok(Invocation::Serve(settings)) => serve(*settings),
        Ok(Invocation::Replay(settings)) => return replay(&settings),
        Ok(Invocation::Converse(settings)) => converse(*settings),
        Ok(Invocation::Record(settings)) => record(settings),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads on: no reason to complain.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => fail(FAILED, &error.to_string()),
    }
}
// ANCHOR_END: main

// ANCHOR: serve
/// Runs the server until the process is ended.
fn serve(settings: Settings) -> io::Result<()> {
    start_log(settings.explain)?;
    if settings.offer.max_recipients < 100 {
        log::warn!(
            "--max-recipients under 100 breaks RFC 5321 4.5.3.1.8: \
             fine for a lesson, wrong for a mail server"
        );
    }
    if is_root() {
        log::warn!("running as root; any other user would do");
    }
    let server = Server::start(settings)?;
    for address in server.addresses() {
        print(&format!("pillarbox listening on {address}\n"))?;
    }
    server.wait();
    Ok(())
}
// ANCHOR_END: serve

/// Serves one session over standard input and output. There is no log where
/// the client would read it.
fn converse(settings: Settings) -> io::Result<()> {
    if console::is_the_dialogue() {
        return server::converse(settings);
    }
    let console = start_log(settings.explain)?;
    let outcome = server::converse(settings);
    console.flush_for(LAST_LINES);
    outcome
}

/// Plays transcripts; the exit code is the verdict.
fn replay(settings: &transcript::settings::ReplaySettings) -> ExitCode {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return fail(FAILED, &error.to_string()),
    };
    let (mut out, mut errors) = (io::stdout().lock(), io::stderr());
    let is_terminal = errors.is_terminal();
    let mut world = World {
        program,
        date: today(),
        out: &mut out,
        errors: &mut errors,
        is_terminal,
        can_serve,
    };
    ExitCode::from(command::replay(settings, &mut world))
}

/// Whether `serve` takes these arguments.
fn can_serve(arguments: &[String]) -> Result<(), String> {
    let serve = ["serve".to_owned()];
    options::parse(&[&serve, arguments].concat()).map(|_| ())
}

/// `2026-11-22`, in UTC.
fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = trace::iso_date_time(now.unwrap_or_default().as_secs());
    time.split('T').next().unwrap_or_default().to_owned()
}

/// Runs the proxy until the process is ended.
fn record(settings: ProxySettings) -> io::Result<()> {
    start_log(false)?;
    let proxy = Proxy::start(settings, now)?;
    print(&format!("pillarbox listening on {}\n", proxy.address()))?;
    proxy.run()
}

/// Logs to standard error, one line per event, times in UTC. Beside the live
/// dialogue only what is wrong is logged, unless RUST_LOG asks for more.
fn start_log(is_explaining: bool) -> io::Result<Console> {
    let console = Console::start()?;
    let level = if is_explaining { "warn" } else { "info" };
    let level = env_logger::Env::default().default_filter_or(level);
    let mut log = env_logger::Builder::from_env(level);
    if is_explaining {
        log.filter_module(LIVE_DIALOGUE, LevelFilter::Info);
    }
    log.target(Target::Pipe(Box::new(console.clone())))
        .format(|line, record| match record.target() {
            LIVE_DIALOGUE => write!(line, "{}", record.args()),
            _ => {
                let (time, level) = (now(), record.level());
                writeln!(line, "{time} {level:5} {}", record.args())
            }
        })
        .init();
    // A session that panics must not wait for a reader either.
    panic::set_hook(Box::new(|panic| {
        log::error!("{}", panic.to_string().replace('\n', " "));
    }));
    Ok(console)
}

fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    trace::iso_date_time(now.unwrap_or_default().as_secs())
}

/// std does not know who we are; the owner of our own folder in /proc does.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn fail(code: u8, complaint: &str) -> ExitCode {
    // If standard error is closed as well, the code must do.
    let _ = writeln!(io::stderr(), "pillarbox: {complaint}");
    ExitCode::from(code)
}

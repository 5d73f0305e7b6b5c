//! The program: picks the command, prints, and says how it ended.
//!
//! Exit codes: 0 done, 1 could not be done, 2 wrong usage. `replay`, `grade` and
//! `send` have codes of their own.

use env_logger::Target;
use log::LevelFilter;
use pillarbox::agent;
use pillarbox::agent::queue::Operator;
use pillarbox::console::{self, Console};
use pillarbox::options::queue::{QueueSettings, QueueTask};
use pillarbox::options::{self, Invocation};
use pillarbox::protocol::trace;
use pillarbox::server::{self, LIVE_DIALOGUE, Server, Settings};
use pillarbox::transcript;
use pillarbox::transcript::command::{self, World};
use pillarbox::transcript::grade::settings::GradeSettings;
use pillarbox::transcript::record::proxy::{Proxy, ProxySettings};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::panic;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long we wait at the end until the log is written.
const LAST_LINES: Duration = Duration::from_secs(1);

const FAILED: u8 = 1;

// ANCHOR: main
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let outcome = match options::parse(&arguments) {
        Err(wrong) => return fail(wrong.code, &wrong.text),
        Ok(Invocation::Print(text)) => print(&text),
        Ok(Invocation::Serve(settings)) => serve(*settings),
        Ok(Invocation::Replay(settings)) => return replay(&settings),
        Ok(Invocation::Grade(settings)) => return grade(&settings),
        Ok(Invocation::Converse(settings)) => converse(*settings),
        Ok(Invocation::Record(settings)) => record(settings),
        Ok(Invocation::Send(settings)) => return send(&settings),
        Ok(Invocation::Inbox(settings)) => return inbox(&settings),
        Ok(Invocation::Queue(settings)) => queue(&settings),
    };
    ended(outcome.map(|()| 0))
}
// ANCHOR_END: main

/// The exit code of a command that can fail.
fn ended(outcome: io::Result<u8>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        // Nobody reads on: no reason to complain.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => fail(FAILED, &error.to_string()),
    }
}

// ANCHOR: serve
/// Runs the server until the process is ended.
fn serve(settings: Settings) -> io::Result<()> {
    let console = start_log(settings.explain)?;
    if settings.offer.max_recipients < 100 {
        log::warn!(
            "--max-recipients under 100 breaks RFC 5321 4.5.3.1.8: \
             fine for a lesson, wrong for a mail server"
        );
    }
    if is_root() {
        log::warn!("running as root; any other user would do");
    }
    // Under inetd the socket is standard output as well: nobody reads it.
    let is_read = !settings.listen_on_stdin;
    let server = Server::start(settings)
        .inspect_err(|_| console.flush_for(LAST_LINES))?;
    for address in server.addresses() {
        let said = print(&format!("pillarbox listening on {address}\n"));
        if is_read {
            said?;
        }
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
    let console = start_log(settings.explain)
        .inspect_err(|_| server::turn_away(&settings.offer.hostname))?;
    if settings.relay.is_some() {
        log::warn!(
            "--stdio relays for nobody: the queue of --queue is not opened"
        );
    }
    let outcome = server::converse(settings);
    console.flush_for(LAST_LINES);
    outcome
}

/// Sends a message; the exit code says what became of it.
fn send(settings: &agent::send::Settings) -> ExitCode {
    let mut world = agent::send::World {
        input: &mut io::stdin(),
        errors: &mut io::stderr(),
        name: &options::system_hostname(),
        now: since_1970().as_secs(),
    };
    ExitCode::from(agent::send::send(settings, &mut world))
}

/// Lists a mailbox, or shows a message.
fn inbox(settings: &agent::inbox::Settings) -> ExitCode {
    let mut out = io::stdout();
    let is_terminal = out.is_terminal();
    let mut world = agent::inbox::World {
        out: &mut out,
        is_terminal,
        now: since_1970().as_secs(),
    };
    ended(agent::inbox::inbox(settings, &mut world))
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
        called: std::env::args().next().unwrap_or_default(),
        date: today(),
        out: &mut out,
        errors: &mut errors,
        is_terminal,
        can_serve,
    };
    ExitCode::from(command::replay(settings, &mut world))
}

/// Grades a class; the exit code is what it comes to.
fn grade(settings: &GradeSettings) -> ExitCode {
    let mut world = transcript::grade::command::World {
        called: std::env::args().next().unwrap_or_default(),
        out: &mut io::stdout(),
        errors: &mut io::stderr(),
    };
    ExitCode::from(transcript::grade::command::grade(settings, &mut world))
}

/// Shows a queue, or asks for something to be done to it.
fn queue(settings: &QueueSettings) -> io::Result<()> {
    let (mut out, mut errors) = (io::stdout().lock(), io::stderr());
    let is_terminal = out.is_terminal();
    let mut operator = Operator {
        folder: &settings.folder,
        now: since_1970(),
        out: &mut out,
        is_terminal,
        errors: &mut errors,
    };
    match &settings.task {
        QueueTask::List => operator.list(),
        QueueTask::Flush => operator.flush(),
        QueueTask::Show(id) => operator.show(id),
        QueueTask::Remove(id) => operator.remove(id),
    }
}

/// Whether `serve` takes these arguments.
fn can_serve(arguments: &[String]) -> Result<(), String> {
    let serve = ["serve".to_owned()];
    options::parse(&[&serve, arguments].concat())
        .map(|_| ())
        .map_err(|wrong| wrong.text)
}

/// `2026-11-22`, in UTC.
fn today() -> String {
    let time = now();
    time.split('T').next().unwrap_or_default().to_owned()
}

/// Runs the proxy until the process is ended.
fn record(settings: ProxySettings) -> io::Result<()> {
    let console = start_log(false)?;
    let proxy = Proxy::start(settings, now)
        .inspect_err(|_| console.flush_for(LAST_LINES))?;
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
    trace::iso_date_time(since_1970().as_secs())
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
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

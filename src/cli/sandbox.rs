//! `dirsyncd sandbox`: a Webex organization on loopback, in the foreground.

use serde_json::json;

use crate::sandbox::{Sandbox, SandboxError, Settings};

use super::args::{Globals, SandboxArgs};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::stopping::stoppable;

/// Runs the command.
///
/// # Errors
///
/// When the port is taken, or the state file cannot be read.
pub async fn run(globals: &Globals, console: Console, args: &SandboxArgs) -> Result<Exit, Failure> {
    let settings = Settings {
        port: args.port,
        token: args.token.clone(),
        seed: args.seed,
        state_file: globals.state.clone(),
        ..Settings::default()
    };
    let is_new = globals.state.as_ref().is_none_or(|path| !path.exists());
    let (result, told) = stoppable(|stop| async move {
        let sandbox = Sandbox::start(settings).await.map_err(|error| refused(&error))?;
        if args.people > 0 && is_new {
            let people = json!({ "count": args.people, "domain": "example.com" });
            sandbox.organization().seed(&people).map_err(Failure::fault)?;
        }
        tell(console, &sandbox, args)?;
        stop.cancelled().await;
        sandbox.stop().await;
        Ok(())
    })
    .await;
    result?;
    Ok(told.unwrap_or(Exit::Done))
}

/// None of these is a fault of ours.
fn refused(error: &SandboxError) -> Failure {
    match error {
        SandboxError::Listen { port, source } => Failure::usage(
            format!("port {port} of 127.0.0.1 cannot be used: {source}"),
            "choose another with --port, or --port 0 for any free one",
        ),
        SandboxError::State { path, source } => Failure::new(
            Exit::State,
            format!("the state file {} cannot be read: {source}", path.display()),
            "name another one with --state, or remove it to begin anew",
        ),
        SandboxError::Settings(_) => Failure::usage(error.to_string(), ""),
    }
}

fn tell(console: Console, sandbox: &Sandbox, args: &SandboxArgs) -> Result<(), Failure> {
    let url = sandbox.base_url();
    if console.json {
        return console.document(&json!({
            "base_url": url,
            "token": args.token,
            "organization": sandbox.organization().id(),
            "people": sandbox.organization().people(),
        }));
    }
    console.print(|out| {
        writeln!(
            out,
            "A Webex organization with {} accounts runs at {url} until Ctrl-C.\n\
             What it holds: {url}/\n\n\
             To use it, put this into a configuration:\n\n\
             [cloud]\n\
             base_url = \"{url}\"\n\
             token_env = \"SANDBOX_TOKEN\"\n\n\
             and run dirsyncd with SANDBOX_TOKEN={}",
            sandbox.organization().people(),
            args.token
        )
    })
}

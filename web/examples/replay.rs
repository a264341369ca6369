//! Replays scenarios natively and prints the state digest at the end of each:
//! `cargo run -p dynamidb-web --example replay -- www/src/lessons/*.txt`

use std::process::ExitCode;

use dynamidb_web::Scenario;

fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        match digest(&path) {
            Ok(digest) => println!("{digest} {path}"),
            Err(problem) => {
                eprintln!("{path}: {problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn digest(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let playground = Scenario::parse(&text)?.replay();
    let playground = playground.map_err(|error| error.to_string())?;
    Ok(playground.digest())
}

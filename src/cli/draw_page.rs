//! `kyso draw-page`: the helper process in which a page is drawn, with limits of its own.

use std::{
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::rendering::page::{PageView, png_of_page};

/// Draw a page of the PDF on standard input as PNG on standard output. For kyso itself.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(super) struct Args {
    /// From 1 on
    #[arg(long)]
    page: usize,
    /// Left, bottom, right and top, in parts of the page
    #[arg(long = "box", value_parser = sides)]
    boxes: Vec<Sides>,
}

/// Four numbers.
type Sides = [f64; 4];

pub(super) fn run(args: Args) -> ExitCode {
    match draw(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kyso draw-page: {error}");
            ExitCode::from(65)
        }
    }
}

fn draw(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    // Whoever reaches them is ended by the system: the caller sees that there is no picture.
    setrlimit(Resource::Cpu, limit(MOST_SECONDS))?;
    setrlimit(Resource::As, limit(MOST_BYTES))?;
    setrlimit(Resource::Core, limit(0))?;
    let mut pdf = Vec::new();
    io::stdin().lock().read_to_end(&mut pdf)?;
    let png = png_of_page(pdf, &PageView { page: args.page, boxes: args.boxes })?;
    io::stdout().lock().write_all(&png)?;
    Ok(())
}

fn limit(most: u64) -> Rlimit {
    Rlimit { current: Some(most), maximum: Some(most) }
}

fn sides(text: &str) -> Result<Sides, String> {
    let sides: Result<Vec<f64>, _> = text.split(',').map(str::parse).collect();
    let sides = sides.map_err(|error| error.to_string())?;
    sides.try_into().map_err(|_| "four numbers with commas between them are expected".to_owned())
}

/// Of processor time; an ordinary page takes a few hundredths.
const MOST_SECONDS: u64 = 20;

/// Of address space, the program itself included.
const MOST_BYTES: u64 = 2 * 1024 * 1024 * 1024;

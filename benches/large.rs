//! Large PDFs, and the memory that a program takes with them. The bench and the tests share this file.

use std::{
    fs, io,
    io::Write,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// What a large file is full of.
#[derive(Clone, Copy)]
pub(crate) enum Filling {
    /// Nothing: the file system keeps no blocks for it.
    Holes,
    /// Bytes that no file system can squeeze.
    Noise,
}

/// One page, and one embedded file of about `len` bytes.
pub(crate) fn pdf_with_one_stream(path: &Path, len: u64, filling: Filling) -> io::Result<()> {
    let mut file = io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let mut offsets = Vec::new();
    let mut written = file.write(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")? as u64;
    let names = "/Names<</EmbeddedFiles<</Names[(a) 4 0 R]>>>>";
    let objects = [
        format!("<</Type/Catalog/Pages 2 0 R{names}>>"),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>".to_owned(),
        "<</Type/Filespec/F(a)/EF<</F 5 0 R>>>>".to_owned(),
    ];
    for (number, object) in objects.iter().enumerate() {
        offsets.push(written);
        let text = format!("{} 0 obj\n{object}\nendobj\n", number + 1);
        file.write_all(text.as_bytes())?;
        written += text.len() as u64;
    }
    offsets.push(written);
    let head = format!("5 0 obj\n<</Type/EmbeddedFile/Length {len}>>\nstream\n");
    file.write_all(head.as_bytes())?;
    written += head.len() as u64 + len;
    match filling {
        Filling::Holes => {
            file.flush()?;
            file.get_ref().set_len(written)?;
            io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        }
        Filling::Noise => noise(&mut file, len)?,
    }
    let tail = "\nendstream\nendobj\n";
    file.write_all(tail.as_bytes())?;
    let xref = written + tail.len() as u64;
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1)?;
    for offset in &offsets {
        writeln!(file, "{offset:010} 00000 n ")?;
    }
    write!(file, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n", offsets.len() + 1)?;
    file.flush()
}

/// Xorshift: the same bytes in every run.
fn noise(file: &mut impl Write, len: u64) -> io::Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut left = len;
    while left > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let take = left.min(8);
        file.write_all(&state.to_le_bytes()[..usize::try_from(take).unwrap_or(8)])?;
        left -= take;
    }
    Ok(())
}

/// Runs a command to its end; its status, and the peak of its resident memory in MiB.
///
/// The kernel keeps the peak itself (`VmHWM`) and forgets it with the process, so it is read every millisecond: what
/// the last of them added is missed.
pub(crate) fn peak_of(command: &mut Command) -> io::Result<(ExitStatus, f64)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0_u32;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, f64::from(peak_kib) / 1024.0));
        }
        let text = fs::read_to_string(&status_file).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        thread::sleep(Duration::from_millis(1));
    }
}

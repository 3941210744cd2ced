//! Streaming ZIP archives: nothing is compressed, so the length is known before the first byte is sent, and only the
//! list of files is kept in memory. (APPNOTE.TXT 6.3.10; sizes beyond 4 GiB as in §4.5.3.)

use std::collections::HashMap;

/// Marks a size or an offset that does not fit into its 32-bit field (ZIP64).
const FULL: u32 = u32::MAX;

/// General purpose flags: sizes and CRC follow the data (bit 3); names are UTF-8 (bit 11).
const STREAMED: u16 = 1 << 3 | 1 << 11;
const PLAIN: u16 = 1 << 11;

const ORDINARY: u16 = 20;
const WITH_ZIP64: u16 = 45;

/// A file or folder in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Path; that of a folder ends with a slash.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// True if it is executable.
    pub executable: bool,
}

/// File name stems that Windows treats as devices, with any extension ("Naming Files, Paths, and Namespaces"); the
/// digit after COM and LPT can be superscript.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Returns a path that no program unpacks outside the target folder (Zip Slip). Git allows names that Windows
/// interprets as a drive (`C:`), an alternate data stream (`a:b`), a separator (`\`), a device (`NUL.txt`), or `..`
/// (`.. `, since it strips trailing spaces and dots).
pub(super) fn portable(path: &str) -> String {
    let components = path.split('/').map(|component| {
        let plain = |c: char| if matches!(c, '\\' | ':') || c.is_control() { '_' } else { c };
        let mut name: String = component.chars().map(plain).collect();
        let kept = name.trim_end_matches(['.', ' ']).len();
        // Dots and spaces are one byte long each.
        name.replace_range(kept.., &"_".repeat(name.len() - kept));
        let stem = name.split('.').next().unwrap_or_default();
        if is_device(stem.trim_end_matches(' ')) {
            name.insert(stem.len(), '_');
        }
        if name.is_empty() { "_".to_owned() } else { name }
    });
    components.collect::<Vec<_>>().join("/")
}

fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    DEVICES.contains(&stem.as_str())
        || port.is_some_and(|rest| {
            let mut chars = rest.chars();
            chars.next().is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
}

/// The names used in an archive: no two members have the same one, even after characters were replaced.
#[derive(Default)]
pub(super) struct Names(HashMap<String, u32>);

impl Names {
    /// Returns this name, or if it is in use, one with a number before its extension.
    pub(super) fn unused(&mut self, name: String) -> String {
        let Some(count) = self.0.get(&name) else {
            self.0.insert(name.clone(), 1);
            return name;
        };
        let mut number = *count;
        let (body, slash) = name.strip_suffix('/').map_or((name.as_str(), ""), |body| (body, "/"));
        let from = body.rfind('/').map_or(0, |at| at + 1);
        let dot = body.get(from..).and_then(|last| last.rfind('.')).filter(|at| *at > 0);
        let (stem, end) = body.split_at(dot.map_or(body.len(), |at| from + at));
        let found = loop {
            number += 1;
            let other = format!("{stem}_{number}{end}{slash}");
            if !self.0.contains_key(&other) {
                break other;
            }
        };
        self.0.insert(name, number);
        self.0.insert(found.clone(), 1);
        found
    }
}

/// What is known about a member after its bytes were sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Offset of its header in bytes.
    pub offset: u64,
    /// CRC-32 of its bytes.
    pub crc: u32,
}

/// Date and time of all members in MS-DOS format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    date: u16,
    time: u16,
}

impl Moment {
    /// Converts seconds since the Unix epoch, in UTC. Times before 1980 and after 2107 cannot be represented and become
    /// 1980-01-01.
    pub(super) fn of(seconds: i64) -> Self {
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
        let Some(years) = u16::try_from(moment.year() - 1980).ok().filter(|years| *years < 128) else {
            return Self { date: 1 << 5 | 1, time: 0 };
        };
        let field = |value: i8| u16::try_from(value).unwrap_or_default();
        Self {
            date: years << 9 | field(moment.month()) << 5 | field(moment.day()),
            time: (field(moment.hour()) << 11) | (field(moment.minute()) << 5) | (field(moment.second()) / 2),
        }
    }
}

impl Member {
    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    fn is_large(&self) -> bool {
        self.size >= u64::from(FULL)
    }

    fn flags(&self) -> u16 {
        if self.is_folder() { PLAIN } else { STREAMED }
    }

    /// Returns the local file header.
    pub(super) fn header(&self, moment: Moment) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(50 + self.name.len());
        let size = if self.is_large() { FULL } else { 0 };
        put32(&mut bytes, 0x0403_4b50);
        put16(&mut bytes, if self.is_large() { WITH_ZIP64 } else { ORDINARY });
        put16(&mut bytes, self.flags());
        put16(&mut bytes, 0);
        put16(&mut bytes, moment.time);
        put16(&mut bytes, moment.date);
        put32(&mut bytes, 0);
        put32(&mut bytes, size);
        put32(&mut bytes, size);
        put16(&mut bytes, short(self.name.len()));
        put16(&mut bytes, if self.is_large() { 20 } else { 0 });
        bytes.extend_from_slice(self.name.as_bytes());
        if self.is_large() {
            put16(&mut bytes, 1);
            put16(&mut bytes, 16);
            put64(&mut bytes, 0);
            put64(&mut bytes, 0);
        }
        bytes
    }

    /// Returns the data descriptor, which follows the bytes.
    pub(super) fn descriptor(&self, crc: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        if self.is_folder() {
            return bytes;
        }
        put32(&mut bytes, 0x0807_4b50);
        put32(&mut bytes, crc);
        for _ in 0..2 {
            if self.is_large() {
                put64(&mut bytes, self.size);
            } else {
                put32(&mut bytes, u32::try_from(self.size).unwrap_or(FULL));
            }
        }
        bytes
    }

    /// Returns its entry in the central directory.
    fn line(&self, written: Written, moment: Moment) -> Vec<u8> {
        let is_far = written.offset >= u64::from(FULL);
        let mut extra = Vec::new();
        if self.is_large() || is_far {
            let sizes = if self.is_large() { 16 } else { 0 };
            put16(&mut extra, 1);
            put16(&mut extra, sizes + if is_far { 8 } else { 0 });
            if self.is_large() {
                put64(&mut extra, self.size);
                put64(&mut extra, self.size);
            }
            if is_far {
                put64(&mut extra, written.offset);
            }
        }
        let size = if self.is_large() { FULL } else { u32::try_from(self.size).unwrap_or(FULL) };
        let mode: u32 = match (self.is_folder(), self.executable) {
            (true, _) => 0o040_755,
            (false, true) => 0o100_755,
            (false, false) => 0o100_644,
        };
        let mut bytes = Vec::with_capacity(80 + self.name.len());
        put32(&mut bytes, 0x0201_4b50);
        // Version made by: Unix, so that the file mode is used.
        put16(&mut bytes, 3 << 8 | WITH_ZIP64);
        put16(&mut bytes, if extra.is_empty() { ORDINARY } else { WITH_ZIP64 });
        put16(&mut bytes, self.flags());
        put16(&mut bytes, 0);
        put16(&mut bytes, moment.time);
        put16(&mut bytes, moment.date);
        put32(&mut bytes, written.crc);
        put32(&mut bytes, size);
        put32(&mut bytes, size);
        put16(&mut bytes, short(self.name.len()));
        put16(&mut bytes, short(extra.len()));
        // No comment, one disk, no internal attributes.
        put16(&mut bytes, 0);
        put16(&mut bytes, 0);
        put16(&mut bytes, 0);
        put32(&mut bytes, mode << 16 | if self.is_folder() { 0x10 } else { 0 });
        put32(&mut bytes, if is_far { FULL } else { u32::try_from(written.offset).unwrap_or(FULL) });
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&extra);
        bytes
    }
}

/// Returns the central directory and the end of the archive. `start` is the offset of the directory.
pub(super) fn directory(members: &[(Member, Written)], start: u64, moment: Moment) -> Vec<u8> {
    let mut bytes: Vec<u8> = members.iter().flat_map(|(member, written)| member.line(*written, moment)).collect();
    let (size, count) = (bytes.len() as u64, members.len() as u64);
    if count >= 0xffff || start >= u64::from(FULL) || size >= u64::from(FULL) {
        let at = start + size;
        put32(&mut bytes, 0x0606_4b50);
        put64(&mut bytes, 44);
        put16(&mut bytes, 3 << 8 | WITH_ZIP64);
        put16(&mut bytes, WITH_ZIP64);
        put32(&mut bytes, 0);
        put32(&mut bytes, 0);
        put64(&mut bytes, count);
        put64(&mut bytes, count);
        put64(&mut bytes, size);
        put64(&mut bytes, start);
        put32(&mut bytes, 0x0706_4b50);
        put32(&mut bytes, 0);
        put64(&mut bytes, at);
        put32(&mut bytes, 1);
    }
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    put32(&mut bytes, 0x0605_4b50);
    put16(&mut bytes, 0);
    put16(&mut bytes, 0);
    put16(&mut bytes, count);
    put16(&mut bytes, count);
    put32(&mut bytes, u32::try_from(size).unwrap_or(FULL));
    put32(&mut bytes, u32::try_from(start).unwrap_or(FULL));
    put16(&mut bytes, 0);
    bytes
}

/// Returns the length in bytes of an archive of these members.
pub(super) fn length(members: &[Member]) -> u64 {
    let moment = Moment::of(0);
    let mut at = 0;
    let written = members.iter().map(|member| {
        let offset = at;
        at += member.header(moment).len() as u64 + member.size + member.descriptor(0).len() as u64;
        (member.clone(), Written { offset, crc: 0 })
    });
    let written: Vec<_> = written.collect();
    at + directory(&written, at, moment).len() as u64
}

/// Names are paths of at most 4,096 bytes.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn put16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn put32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn put64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_use_the_dos_format() {
        // 2026-11-22T03:40:58Z
        let moment = Moment::of(1_795_318_858);
        assert_eq!((moment.date >> 9, moment.date >> 5 & 15, moment.date & 31), (46, 11, 22));
        assert_eq!((moment.time >> 11, moment.time >> 5 & 63, moment.time & 31), (3, 40, 29));
        assert_eq!(Moment::of(0), Moment { date: 33, time: 0 });
    }

    #[test]
    fn no_member_leaves_the_target_folder() {
        for (path, name) in [
            ("C:/Windows/x.dll", "C_/Windows/x.dll"),
            ("C:x", "C_x"),
            ("a.txt:stream", "a.txt_stream"),
            ("..\\..\\a\n", ".._.._a_"),
            (".. /a", "___/a"),
            (".../a. ", "___/a__"),
            ("../a", "__/a"),
            ("nul", "nul_"),
            ("a/AUX.csv", "a/AUX_.csv"),
            ("com1.tar.gz", "com1_.tar.gz"),
            ("LPT².x", "LPT²_.x"),
            ("CONIN$", "CONIN$_"),
            ("con .x", "con _.x"),
            ("//a", "_/_/a"),
        ] {
            assert_eq!(portable(path), name, "{path:?}");
        }
        for same in ["a/b c/ü.csv", ".gitignore", "a..b", "console.log", "com10", "common", "nullable.csv", "..a"] {
            assert_eq!(portable(same), same);
        }
    }

    #[test]
    fn two_members_never_have_one_name() {
        let mut names = Names::default();
        let mut unused = |name: &str| names.unused(name.to_owned());
        assert_eq!(unused("a_b.csv"), "a_b.csv");
        assert_eq!(unused("a_b_2.csv"), "a_b_2.csv");
        assert_eq!(unused("a_b.csv"), "a_b_3.csv");
        assert_eq!(unused("a_b.csv"), "a_b_4.csv");
        assert_eq!(unused("x.d/c"), "x.d/c");
        assert_eq!(unused("x.d/c"), "x.d/c_2");
        assert_eq!(unused("x.d/.c"), "x.d/.c");
        assert_eq!(unused("x.d/.c"), "x.d/.c_2");
        assert_eq!(unused("f/"), "f/");
        assert_eq!(unused("f/"), "f_2/");
    }

    proptest::proptest! {
        #[test]
        fn portable_names_are_unchanged(path in "[a-c./ :\\\\nulCOM1\n]{0,20}") {
            let name = portable(&path);
            proptest::prop_assert_eq!(portable(&name), name.clone());
            proptest::prop_assert!(!name.contains(['\\', ':', '\n']));
            for component in name.split('/') {
                proptest::prop_assert!(!component.is_empty() && !component.ends_with(['.', ' ']));
            }
        }
    }

    #[test]
    fn large_members_use_zip64() {
        let member = |size| Member { name: "a".into(), size, executable: false };
        let (small, large) = (member(u64::from(FULL) - 1), member(u64::from(FULL)));
        assert_eq!((small.descriptor(0).len(), large.descriptor(0).len()), (16, 24));
        assert_eq!((small.header(Moment::of(0)).len(), large.header(Moment::of(0)).len()), (31, 51));
        let far = Written { offset: u64::from(FULL), crc: 0 };
        assert_eq!(small.line(far, Moment::of(0)).len(), 47 + 12);
        assert_eq!(large.line(far, Moment::of(0)).len(), 47 + 28);
        assert_eq!(directory(&[], u64::from(FULL), Moment::of(0)).len(), 22 + 76);
        let many = vec![member(0); 0xffff];
        let headers = (31 + 16 + 47) * 0xffff;
        assert_eq!(length(&many), headers + 22 + 76);
    }
}

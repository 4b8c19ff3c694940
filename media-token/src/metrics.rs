//! Counters in memory that several processes share, without locks.
//!
//! The memory is a table of series, each with its labels as text: how often something was
//! decided, and how long that took. A series is found by the hash of its labels, stays
//! where it is once made, and is never removed, since labels come from the configuration
//! alone. What is written is the text format of Prometheus (its documentation, "Exposition
//! formats", version 0.0.4).

use std::cell::Cell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt::{self, Display, Formatter, Write};
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The media type of what is written.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Ends of the buckets, in nanoseconds and as seconds; one more has no end.
const ENDS: [(u64, &str); 13] = [
    (500, "0.0000005"),
    (1_000, "0.000001"),
    (2_000, "0.000002"),
    (5_000, "0.000005"),
    (10_000, "0.00001"),
    (20_000, "0.00002"),
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (200_000, "0.0002"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (5_000_000, "0.005"),
    (20_000_000, "0.02"),
];
const BUCKETS: usize = ENDS.len() + 1;

/// The words of a series: the hash of its labels, their lengths, their text, the buckets,
/// and the sum of all durations in nanoseconds.
const HASH: usize = 0;
const LENGTHS: usize = 1;
const TEXT: usize = 2;
const TEXT_WORDS: usize = 64 - TEXT - BUCKETS - 1;
const BUCKET: usize = TEXT + TEXT_WORDS;
const SUM: usize = BUCKET + BUCKETS;
const SERIES: usize = SUM + 1;

type Series = [AtomicU64; SERIES];

/// The words before the first series: what the memory is, and what was not counted.
const MARK: usize = 0;
const LOST: usize = 1;
const HEAD: usize = 2;

/// The mark of this layout; another layout gets another one.
const LAYOUT: u64 = u64::from_le_bytes(*b"cdmedia1");

/// How many places are tried for a series: enough for four places in five to be taken.
const PROBES: usize = 128;

/// How many labels a series has.
const LABELS: usize = 5;

/// The longest label, in bytes; of longer ones that much is kept.
const MAX_LABEL: usize = 120;

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'d> {
    /// The format of the credential that decided; empty where there was none.
    pub format: &'static str,
    /// The status, [`crate::Status::as_str`].
    pub status: &'static str,
    /// The reason, [`crate::Decision::reason`].
    pub reason: &'static str,
    /// The id of the key, where one is known; otherwise empty.
    pub key: &'d str,
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Labels<'l> {
    server: &'l str,
    format: &'l str,
    status: &'l str,
    reason: &'l str,
    key: &'l str,
}

/// Counts the decisions of one server. It remembers where it counted the last few kinds of
/// them, which saves it their text and its hash.
pub struct Observer {
    server: Box<str>,
    known: [Cell<Option<Known>>; KNOWN],
    /// The one to forget next.
    oldest: Cell<usize>,
}

/// How many kinds of decisions an observer remembers.
const KNOWN: usize = 4;

impl Observer {
    /// Of the server of this name.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self {
            server: server.into(),
            known: Default::default(),
            oldest: Cell::default(),
        }
    }

    /// Counts a decision that took so many nanoseconds.
    pub fn observe(&self, table: Table<'_>, decided: &Decided<'_>, nanoseconds: u64) {
        let mut known = self.known.iter().filter_map(Cell::get);
        if let Some(series) = known.find_map(|known| known.series(table, decided)) {
            add(series, nanoseconds);
            return;
        }
        let Decided {
            format,
            status,
            reason,
            key,
        } = *decided;
        let labels = Labels {
            server: &self.server,
            format,
            status,
            reason,
            key,
        };
        let Some(place) = table.observe(&labels, nanoseconds) else {
            return;
        };
        let oldest = self.oldest.get();
        if let Some(known) = self.known.get(oldest) {
            let names = [format, status, reason];
            known.set(Some(Known { names, place }));
        }
        self.oldest.set(oldest.wrapping_add(1) % KNOWN);
    }
}

/// What an observer remembers.
#[derive(Clone, Copy)]
struct Known {
    names: [&'static str; 3],
    place: Place,
}

impl Known {
    /// The series, if it is the one of this decision.
    fn series<'m>(&self, table: Table<'m>, decided: &Decided<'_>) -> Option<&'m Series> {
        let [format, status, reason] = self.names;
        // By their addresses: names never change, and one that is there twice is only
        // looked for in vain.
        let same_names = ptr::eq(reason, decided.reason)
            && ptr::eq(status, decided.status)
            && ptr::eq(format, decided.format);
        match same_names {
            true => self.place.series(table, decided.key),
            false => None,
        }
    }
}

/// Where a series is.
#[derive(Clone, Copy)]
struct Place {
    /// Its number in the table.
    number: usize,
    hash: u64,
    lengths: u64,
    /// With which word the key's id begins.
    key: usize,
}

impl Place {
    /// The series, if it is there, and of this key.
    fn series<'m>(&self, table: Table<'m>, key: &str) -> Option<&'m Series> {
        let series = table.series.get(self.number)?;
        let [.., key_len] = self.lengths.to_be_bytes();
        let is_there = series[HASH].load(Acquire) == self.hash
            && series[LENGTHS].load(Acquire) == self.lengths
            && usize::from(key_len) == key.len();
        let mut key = words(key.as_bytes()).zip(series.iter().skip(self.key));
        (is_there && key.all(|(word, place)| place.load(Relaxed) == word)).then_some(series)
    }
}

/// Eight bytes each, the last ones followed by zeros.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, rest) = bytes.as_chunks();
    let rest = (!rest.is_empty()).then(|| {
        let bytes = rest.iter().rev();
        bytes.fold(0, |word, byte| (word << 8) | u64::from(*byte))
    });
    words.iter().copied().map(u64::from_le_bytes).chain(rest)
}

fn add(series: &Series, nanoseconds: u64) {
    let bucket = ENDS.partition_point(|(end, _)| *end < nanoseconds);
    if let Some(bucket) = series.get(BUCKET.wrapping_add(bucket)) {
        bucket.fetch_add(1, Relaxed);
    }
    series[SUM].fetch_add(nanoseconds, Relaxed);
}

/// Labels as words: each begins with a word of its own, and its last one ends in zeros.
struct Text {
    /// Eight bits for each label, and a bit that is always set.
    lengths: u64,
    words: [u64; TEXT_WORDS],
    /// How many of the words are used.
    count: usize,
    /// With which of them the key's id begins.
    key: usize,
    hash: u64,
}

impl Text {
    /// `None` where there is no room for so much text.
    fn new(labels: &Labels<'_>) -> Option<Self> {
        let mut text = Self {
            lengths: 1,
            words: [0; TEXT_WORDS],
            count: 0,
            key: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        };
        for label in [labels.server, labels.format, labels.status, labels.reason] {
            text.push(label)?;
        }
        text.key = text.count;
        text.push(labels.key)?;
        text.mix(text.lengths);
        // 0 is a place that is free.
        text.hash |= 1;
        Some(text)
    }

    fn push(&mut self, label: &str) -> Option<()> {
        let mut ends = (0..=label.len().min(MAX_LABEL)).rev();
        let bytes = ends.find_map(|end| label.get(..end))?.as_bytes();
        self.lengths = (self.lengths << 8) | bytes.len() as u64;
        words(bytes).try_for_each(|word| self.push_word(word))
    }

    fn push_word(&mut self, word: u64) -> Option<()> {
        *self.words.get_mut(self.count)? = word;
        self.count = self.count.wrapping_add(1);
        self.mix(word);
        Some(())
    }

    /// FNV-1a over words, with what is above mixed into what is below.
    fn mix(&mut self, word: u64) {
        let hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash = hash ^ (hash >> 29);
    }

    fn words(&self) -> &[u64] {
        self.words.get(..self.count).unwrap_or_default()
    }

    /// Whether a series has these labels.
    fn is_of(&self, series: &Series) -> bool {
        // The lengths are written last.
        series[LENGTHS].load(Acquire) == self.lengths
            && (series.iter().skip(TEXT))
                .zip(self.words())
                .all(|(place, word)| place.load(Relaxed) == *word)
    }
}

/// The table, in memory that others may write to at any time.
#[derive(Clone, Copy)]
pub struct Table<'m> {
    head: &'m [AtomicU64; HEAD],
    series: &'m [Series],
}

impl<'m> Table<'m> {
    /// The table in this memory, made if it is not one already. `None` where there is too
    /// little. Memory that begins with a zero has to be zero.
    ///
    /// Nobody else may use the memory while the table is made.
    #[must_use]
    pub fn prepare(memory: &'m [AtomicU64]) -> Option<Self> {
        let table = Self::split(memory)?;
        match table.head[MARK].load(Acquire) {
            LAYOUT => return Some(table),
            // New memory is zero, and taking it up page by page would cost time.
            0 => {}
            _ => memory.iter().for_each(|word| word.store(0, Relaxed)),
        }
        table.head[MARK].store(LAYOUT, Release);
        Some(table)
    }

    /// The table in this memory. `None` where there is none.
    #[must_use]
    pub fn open(memory: &'m [AtomicU64]) -> Option<Self> {
        Self::split(memory).filter(|table| table.head[MARK].load(Acquire) == LAYOUT)
    }

    fn split(memory: &'m [AtomicU64]) -> Option<Self> {
        let (head, rest) = memory.split_first_chunk()?;
        let (series, _) = rest.as_chunks();
        (!series.is_empty()).then_some(Self { head, series })
    }

    /// Counts a decision that took so many nanoseconds. Says where, if there was room.
    fn observe(&self, labels: &Labels<'_>, nanoseconds: u64) -> Option<Place> {
        let found = Text::new(labels).and_then(|text| Some((self.find(&text)?, text)));
        let Some(((number, series), text)) = found else {
            self.head[LOST].fetch_add(1, Relaxed);
            return None;
        };
        add(series, nanoseconds);
        Some(Place {
            number,
            hash: text.hash,
            lengths: text.lengths,
            key: TEXT.wrapping_add(text.key),
        })
    }

    /// The series with these labels and its number, made if there is none; `None` if there
    /// is no room.
    fn find(&self, text: &Text) -> Option<(usize, &'m Series)> {
        let count = self.series.len();
        let first = usize::try_from(text.hash.checked_rem(count as u64)?).ok()?;
        for number in (first..count).chain(0..first).take(PROBES) {
            let series = self.series.get(number)?;
            let found = match series[HASH].load(Acquire) {
                0 => series[HASH].compare_exchange(0, text.hash, Acquire, Acquire),
                other => Err(other),
            };
            match found {
                Ok(_) => {
                    (series.iter().skip(TEXT))
                        .zip(text.words())
                        .for_each(|(place, word)| place.store(*word, Relaxed));
                    series[LENGTHS].store(text.lengths, Release);
                    return Some((number, series));
                }
                // One that is being made just now, or whose maker has died, is left
                // alone: two of the same labels are written as one.
                Err(other) if other == text.hash && text.is_of(series) => {
                    return Some((number, series));
                }
                Err(_) => {}
            }
        }
        None
    }
}

/// What a series held when it was read.
struct Sample {
    text: [u8; 8 * TEXT_WORDS],
    /// Where each label stands in the text.
    places: [(usize, usize); LABELS],
    values: Values,
}

/// The buckets and the sum.
type Values = [u64; BUCKETS + 1];

impl Sample {
    /// `None` where the series is not there yet.
    fn read(series: &Series) -> Option<Self> {
        let lengths = series[LENGTHS].load(Acquire);
        if lengths == 0 {
            return None;
        }
        let mut text = [0; 8 * TEXT_WORDS];
        let (words, _) = text.as_chunks_mut();
        for (word, place) in words.iter_mut().zip(series.iter().skip(TEXT)) {
            *word = place.load(Relaxed).to_le_bytes();
        }
        let mut places = [(0, 0); LABELS];
        let mut start: usize = 0;
        let [_, _, _, lengths @ ..] = lengths.to_be_bytes();
        for (place, len) in places.iter_mut().zip(lengths) {
            let len = usize::from(len);
            *place = (start, start.saturating_add(len));
            start = start.saturating_add(len.next_multiple_of(8));
        }
        let mut values = [0; BUCKETS + 1];
        for (value, place) in values.iter_mut().zip(series.iter().skip(BUCKET)) {
            *value = place.load(Relaxed);
        }
        Some(Self {
            text,
            places,
            values,
        })
    }

    fn label_bytes(&self) -> [&[u8]; LABELS] {
        self.places
            .map(|(start, end)| self.text.get(start..end).unwrap_or_default())
    }

    fn labels(&self) -> Labels<'_> {
        let texts = self.label_bytes();
        let [server, format, status, reason, key] =
            texts.map(|bytes| str::from_utf8(bytes).unwrap_or_default());
        Labels {
            server,
            format,
            status,
            reason,
            key,
        }
    }
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.label_bytes() == other.label_bytes()
    }
}

impl Eq for Sample {}

impl PartialOrd for Sample {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sample {
    fn cmp(&self, other: &Self) -> Ordering {
        self.label_bytes().cmp(&other.label_bytes())
    }
}

/// What a zone held when it was read.
struct Zone<'z> {
    name: &'z str,
    samples: Vec<Sample>,
    lost: u64,
}

impl<'z> Zone<'z> {
    /// `None` when memory is short.
    fn read(name: &'z str, table: Table<'_>) -> Option<Self> {
        let found = || table.series.iter().filter_map(Sample::read);
        let mut samples = Vec::new();
        // Some may be made meanwhile.
        let count = found().count();
        samples.try_reserve_exact(count).ok()?;
        samples.extend(found().take(count));
        Some(Self {
            name,
            samples,
            lost: table.head[LOST].load(Relaxed),
        })
    }

    /// By their labels. `None` when memory is short.
    fn sorted(&self) -> Option<Vec<&Sample>> {
        let mut unsorted = Vec::new();
        unsorted.try_reserve_exact(self.samples.len()).ok()?;
        unsorted.extend(self.samples.iter().map(Reverse));
        let mut samples = Vec::new();
        samples.try_reserve_exact(self.samples.len()).ok()?;
        // Unlike those that sort, this cannot panic.
        let mut heap = BinaryHeap::from(unsorted);
        while let Some(Reverse(sample)) = heap.pop() {
            samples.push(sample);
        }
        Some(samples)
    }
}

/// Visits the sums of all samples of which `group` says the same, which stand together.
fn each_sum<'s, G: PartialEq>(
    samples: &[&'s Sample],
    group: impl Fn(Labels<'s>) -> G,
    mut visit: impl FnMut(&G, &Values) -> fmt::Result,
) -> fmt::Result {
    let mut current: Option<(G, Values)> = None;
    for sample in samples {
        let this = group(sample.labels());
        match &mut current {
            Some((group, sums)) if *group == this => {
                for (sum, value) in sums.iter_mut().zip(sample.values) {
                    *sum = sum.saturating_add(value);
                }
            }
            _ => {
                if let Some((group, sums)) = current.replace((this, sample.values)) {
                    visit(&group, &sums)?;
                }
            }
        }
    }
    current.map_or(Ok(()), |(group, sums)| visit(&group, &sums))
}

/// Writes what these tables hold, each with the name of its zone.
///
/// # Errors
/// When memory is short, and what the writer says.
pub fn write<'m>(
    tables: impl ExactSizeIterator<Item = (&'m str, Table<'m>)>,
    out: &mut impl Write,
) -> fmt::Result {
    const DECISIONS: &str = "crossdomain_media_decisions_total";
    const DURATIONS: &str = "crossdomain_media_decision_duration_seconds";
    const LOST_TOTAL: &str = "crossdomain_media_decisions_lost_total";

    let mut zones = Vec::new();
    (zones.try_reserve_exact(tables.len())).map_err(|_| fmt::Error)?;
    for (name, table) in tables {
        zones.push(Zone::read(name, table).ok_or(fmt::Error)?);
    }
    let mut sorted = Vec::new();
    (sorted.try_reserve_exact(zones.len())).map_err(|_| fmt::Error)?;
    for zone in &zones {
        sorted.push((zone, zone.sorted().ok_or(fmt::Error)?));
    }

    let help = "Requests in guarded locations, by what was decided.";
    writeln!(out, "# HELP {DECISIONS} {help}")?;
    writeln!(out, "# TYPE {DECISIONS} counter")?;
    for (zone, samples) in &sorted {
        each_sum(
            samples,
            |labels| labels,
            |labels, values| {
                let (zone, server) = (Escaped(zone.name), Escaped(labels.server));
                let (status, reason) = (labels.status, labels.reason);
                let (format, key) = (labels.format, Escaped(labels.key));
                let count = values.split_last().map_or(0, |(_, counts)| {
                    counts
                        .iter()
                        .fold(0, |sum, count| u64::saturating_add(sum, *count))
                });
                write!(out, "{DECISIONS}{{zone=\"{zone}\",server=\"{server}\"")?;
                write!(out, ",status=\"{status}\",reason=\"{reason}\"")?;
                writeln!(out, ",format=\"{format}\",key=\"{key}\"}} {count}")
            },
        )?;
    }

    let help = "How long it took to decide, with the signature.";
    writeln!(out, "# HELP {DURATIONS} {help}")?;
    writeln!(out, "# TYPE {DURATIONS} histogram")?;
    for (zone, samples) in &sorted {
        each_sum(
            samples,
            |labels| (labels.server, labels.format),
            |(server, format), values| {
                let (zone, server) = (Escaped(zone.name), Escaped(server));
                let labels =
                    format_args!("zone=\"{zone}\",server=\"{server}\",format=\"{format}\"");
                let [counts @ .., sum] = values;
                let mut count: u64 = 0;
                let ends = ENDS.iter().map(|(_, end)| *end).chain(["+Inf"]);
                for (end, bucket) in ends.zip(counts) {
                    count = count.saturating_add(*bucket);
                    writeln!(out, "{DURATIONS}_bucket{{{labels},le=\"{end}\"}} {count}")?;
                }
                writeln!(out, "{DURATIONS}_sum{{{labels}}} {}", Seconds(*sum))?;
                writeln!(out, "{DURATIONS}_count{{{labels}}} {count}")
            },
        )?;
    }

    let help = "Decisions that the zone had no room to count.";
    writeln!(out, "# HELP {LOST_TOTAL} {help}")?;
    writeln!(out, "# TYPE {LOST_TOTAL} counter")?;
    for zone in &zones {
        let (zone, lost) = (Escaped(zone.name), zone.lost);
        writeln!(out, "{LOST_TOTAL}{{zone=\"{zone}\"}} {lost}")?;
    }
    Ok(())
}

/// A label's value, escaped.
struct Escaped<'v>(&'v str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| match char {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            char => f.write_char(char),
        })
    }
}

/// Nanoseconds as seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        let Some((whole, rest)) = self.0.checked_div(SECOND).zip(self.0.checked_rem(SECOND)) else {
            return Err(fmt::Error);
        };
        write!(f, "{whole}.{rest:09}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn memory(series: usize) -> Vec<AtomicU64> {
        let words = series.saturating_mul(SERIES).saturating_add(HEAD);
        (0..words).map(|_| AtomicU64::new(7)).collect()
    }

    const LABELS: Labels<'_> = Labels {
        server: "media.example.org",
        format: "django",
        status: "granted",
        reason: "valid",
        key: "2026",
    };

    fn written(table: Table<'_>) -> String {
        let mut out = String::new();
        write([("media", table)].into_iter(), &mut out).unwrap();
        out
    }

    /// Samples by name and labels.
    fn samples(table: Table<'_>) -> BTreeMap<String, f64> {
        let mut found = BTreeMap::new();
        for line in written(table).lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap();
            assert_eq!(found.insert(name.to_owned(), value), None, "{name}");
        }
        found
    }

    #[test]
    fn what_was_observed_is_written() {
        let memory = memory(64);
        let table = Table::prepare(&memory).unwrap();
        for nanoseconds in [400, 500, 501, 7_000, 30_000_000] {
            table.observe(&LABELS, nanoseconds);
        }
        let other = Labels {
            status: "missing",
            reason: "no_token",
            format: "",
            key: "",
            ..LABELS
        };
        table.observe(&other, 100);
        let text = written(table);
        for line in [
            "crossdomain_media_decisions_total{zone=\"media\",server=\"media.example.org\",status=\"granted\",reason=\"valid\",format=\"django\",key=\"2026\"} 5",
            "crossdomain_media_decisions_total{zone=\"media\",server=\"media.example.org\",status=\"missing\",reason=\"no_token\",format=\"\",key=\"\"} 1",
            "crossdomain_media_decision_duration_seconds_bucket{zone=\"media\",server=\"media.example.org\",format=\"django\",le=\"0.0000005\"} 2",
            "crossdomain_media_decision_duration_seconds_bucket{zone=\"media\",server=\"media.example.org\",format=\"django\",le=\"0.000001\"} 3",
            "crossdomain_media_decision_duration_seconds_bucket{zone=\"media\",server=\"media.example.org\",format=\"django\",le=\"0.02\"} 4",
            "crossdomain_media_decision_duration_seconds_bucket{zone=\"media\",server=\"media.example.org\",format=\"django\",le=\"+Inf\"} 5",
            "crossdomain_media_decision_duration_seconds_sum{zone=\"media\",server=\"media.example.org\",format=\"django\"} 0.030008401",
            "crossdomain_media_decision_duration_seconds_count{zone=\"media\",server=\"media.example.org\",format=\"django\"} 5",
            "crossdomain_media_decisions_lost_total{zone=\"media\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("# TYPE"))
                .count(),
            3
        );
    }

    #[test]
    fn each_end_says_the_same_twice_and_they_rise() {
        for (nanoseconds, seconds) in ENDS {
            let parsed: f64 = seconds.parse().unwrap();
            assert_eq!((parsed * 1e9).round(), nanoseconds as f64);
        }
        assert!(ENDS.is_sorted_by(|(one, _), (next, _)| one < next));
    }

    #[test]
    fn a_table_that_is_there_goes_on() {
        let memory = memory(16);
        Table::prepare(&memory).unwrap().observe(&LABELS, 1);
        let again = Table::prepare(&memory).unwrap();
        again.observe(&LABELS, 1);
        assert!(written(again).contains("key=\"2026\"} 2\n"));
    }

    #[test]
    fn labels_are_escaped_and_cut() {
        let memory = memory(16);
        let table = Table::prepare(&memory).unwrap();
        let long = "\u{e9}".repeat(200);
        table.observe(
            &Labels {
                server: "a\"\\\n",
                key: &long,
                ..LABELS
            },
            1,
        );
        table.observe(
            &Labels {
                server: &long,
                key: &long,
                ..LABELS
            },
            1,
        );
        let text = written(table);
        let cut = "\u{e9}".repeat(60);
        assert!(text.contains(&format!("server=\"a\\\"\\\\\\n\",status=\"granted\",reason=\"valid\",format=\"django\",key=\"{cut}\"}} 1\n")));
        assert!(text.contains(&format!("server=\"{cut}\",status=\"granted\",reason=\"valid\",format=\"django\",key=\"{cut}\"}} 1\n")));
    }

    #[test]
    fn an_observer_counts_what_the_table_counts() {
        let (one, two, another) = (memory(64), memory(64), memory(64));
        let [one, two, another] = [&one, &two, &another].map(|m| Table::prepare(m).unwrap());
        let observer = Observer::new(LABELS.server);
        let long = "k".repeat(MAX_LABEL + 1);
        let keys = [
            "",
            "2026",
            "2027",
            "eight888",
            "nine99999",
            "nine99998",
            &long,
        ];
        // Each differs from the one before in one name, and the next key comes before they are
        // forgotten.
        let names = [
            ("django", "granted", "valid"),
            ("jwt", "granted", "valid"),
            ("jwt", "expired", "valid"),
            ("jwt", "expired", "token_expired"),
        ];
        let kinds = keys.iter().flat_map(|key| names.map(|names| (names, *key)));
        let kinds: Vec<_> = kinds.collect();
        for round in 1..=3 {
            for ((format, status, reason), key) in &kinds {
                let decided = Decided {
                    format,
                    status,
                    reason,
                    key,
                };
                let labels = Labels {
                    format,
                    status,
                    reason,
                    key,
                    ..LABELS
                };
                for nanoseconds in (0..round).map(|power| 1_000 << power) {
                    one.observe(&labels, nanoseconds).unwrap();
                    observer.observe(two, &decided, nanoseconds);
                }
                // What is remembered of one table is nothing of another.
                observer.observe(another, &decided, 1);
            }
        }
        assert_eq!(written(two), written(one));
        let counted = samples(another);
        for ((format, status, reason), key) in kinds {
            let key = key.get(..MAX_LABEL).unwrap_or(key);
            let name = format!(
                "crossdomain_media_decisions_total{{zone=\"media\",server=\"media.example.org\",status=\"{status}\",reason=\"{reason}\",format=\"{format}\",key=\"{key}\"}}"
            );
            assert_eq!(counted.get(&name), Some(&3.0), "{name}");
        }
    }

    #[test]
    fn what_is_remembered_of_one_table_is_nothing_of_another() {
        let (one, another) = (memory(1), memory(1));
        let [one, another] = [&one, &another].map(|memory| Table::prepare(memory).unwrap());
        let decided = Decided {
            format: "jwt",
            status: "granted",
            reason: "valid",
            key: "2026",
        };
        let observer = Observer::new("media");
        observer.observe(one, &decided, 1);
        // As long, of the same key, and in the same place.
        let status = "expired";
        Observer::new("media").observe(another, &Decided { status, ..decided }, 1);
        observer.observe(another, &decided, 1);
        let found = written(another);
        assert!(
            found.contains("status=\"expired\",reason=\"valid\",format=\"jwt\",key=\"2026\"} 1\n")
        );
        assert!(found.contains("decisions_lost_total{zone=\"media\"} 1\n"));
    }

    #[test]
    fn an_observer_remembers() {
        let memory = memory(64);
        let table = Table::prepare(&memory).unwrap();
        let observer = Observer::new(LABELS.server);
        let decided = Decided {
            format: LABELS.format,
            status: LABELS.status,
            reason: LABELS.reason,
            key: LABELS.key,
        };
        let remembered = || {
            let mut known = observer.known.iter().filter_map(Cell::get);
            known.any(|known| known.series(table, &decided).is_some())
        };
        assert!(!remembered());
        observer.observe(table, &decided, 1);
        assert!(remembered());
        for key in ["a", "b", "c"] {
            observer.observe(table, &Decided { key, ..decided }, 1);
        }
        assert!(remembered());
        observer.observe(
            table,
            &Decided {
                key: "d",
                ..decided
            },
            1,
        );
        assert!(!remembered());
    }

    #[test]
    fn what_finds_no_room_is_counted_as_lost() {
        let memory = memory(8);
        let table = Table::prepare(&memory).unwrap();
        for key in 0..100 {
            table.observe(
                &Labels {
                    key: &key.to_string(),
                    ..LABELS
                },
                1,
            );
        }
        let found = samples(table);
        let counted: f64 = found
            .iter()
            .filter(|(name, _)| name.contains("decisions_total"))
            .map(|(_, value)| value)
            .sum();
        let lost = found["crossdomain_media_decisions_lost_total{zone=\"media\"}"];
        assert_eq!(counted, 8.0);
        assert_eq!(lost, 92.0);
    }

    #[test]
    fn too_little_memory_is_no_table() {
        assert!(Table::prepare(&memory(0)).is_none());
        assert!(Table::prepare(&[]).is_none());
        assert!(Table::prepare(&memory(1)).is_some());
    }

    #[test]
    fn a_series_whose_maker_died_is_passed_over() {
        let memory = memory(64);
        let table = Table::prepare(&memory).unwrap();
        table.observe(&LABELS, 1);
        // As if the text had never been finished.
        let found = table
            .series
            .iter()
            .filter(|series| series[1].load(Relaxed) != 0);
        found.for_each(|series| series[1].store(0, Relaxed));
        assert!(!written(table).contains("2026"));
        table.observe(&LABELS, 1);
        table.observe(&LABELS, 1);
        assert!(written(table).contains("key=\"2026\"} 2\n"));
    }

    fn at_once(threads: usize, work: impl Fn(usize) + Sync) {
        let start = Barrier::new(threads);
        thread::scope(|scope| {
            for number in 0..threads {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number);
                });
            }
        });
    }

    fn count_name(key: &str) -> String {
        format!(
            "crossdomain_media_decisions_total{{zone=\"media\",server=\"media.example.org\",status=\"granted\",reason=\"valid\",format=\"django\",key=\"{key}\"}}"
        )
    }

    #[test]
    fn no_count_is_lost_when_all_count_the_same() {
        let memory = memory(8);
        let table = Table::prepare(&memory).unwrap();
        at_once(4, |_| {
            for _ in 0..50_000 {
                table.observe(&LABELS, 1);
            }
        });
        assert_eq!(samples(table)[&count_name("2026")], 200_000.0);
        assert!(written(table).contains("format=\"django\"} 0.000200000\n"));
    }

    #[test]
    fn two_makers_do_not_share_a_place() {
        for _ in 0..300 {
            let memory = memory(64);
            let table = Table::prepare(&memory).unwrap();
            let keys: Vec<String> = (0..48).map(|key| format!("{key:>40}")).collect();
            at_once(4, |number| {
                for key in keys.iter().skip(12 * number).take(12) {
                    table.observe(&Labels { key, ..LABELS }, 1);
                }
            });
            let found = samples(table);
            for key in &keys {
                assert_eq!(found[&count_name(key)], 1.0);
            }
        }
    }

    #[test]
    fn labels_of_one_hash_are_told_apart_and_the_same_labels_are_one() {
        let memory = memory(4);
        let table = Table::prepare(&memory).unwrap();
        let count = |key, hash| {
            let mut text = Text::new(&Labels { key, ..LABELS }).unwrap();
            text.hash = hash;
            table.find(&text).unwrap().1[BUCKET].fetch_add(1, Relaxed);
        };
        count("b", 5);
        count("a", 5);
        // Once more, behind the other, as if two had made it at the same time.
        count("b", 7);
        let found = samples(table);
        assert_eq!(found[&count_name("a")], 1.0);
        assert_eq!(found[&count_name("b")], 2.0);
    }

    #[test]
    fn four_places_in_five_can_be_taken() {
        for places in [503, 2_031] {
            let memory = memory(places);
            let table = Table::prepare(&memory).unwrap();
            for number in 0..places * 4 / 5 {
                let server = format!("media{}.example.org", number / 12);
                let key = format!("key-{}", number % 12);
                let labels = Labels {
                    server: &server,
                    key: &key,
                    ..LABELS
                };
                table.observe(&labels, 1);
            }
            let lost = samples(table)["crossdomain_media_decisions_lost_total{zone=\"media\"}"];
            assert_eq!(lost, 0.0, "{places}");
        }
    }

    #[test]
    fn memory_of_another_layout_is_emptied_and_is_no_table_before() {
        let memory = memory(8);
        assert!(Table::open(&memory).is_none());
        let table = Table::prepare(&memory).unwrap();
        assert_eq!(samples(table).len(), 1);
        assert!(Table::open(&memory).is_some());
    }

    #[test]
    fn every_name_is_escaped_wherever_it_stands() {
        let memory = memory(8);
        let table = Table::prepare(&memory).unwrap();
        let (server, key) = ("s\"", "k\"");
        table.observe(
            &Labels {
                server,
                key,
                ..LABELS
            },
            1,
        );
        let mut out = String::new();
        write([("z\"", table)].into_iter(), &mut out).unwrap();
        for line in out.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("zone=\"z\\\"\""), "{line}");
            assert!(
                line.contains("lost") || line.contains("server=\"s\\\"\""),
                "{line}"
            );
            assert!(
                !line.contains("key=") || line.contains("key=\"k\\\"\""),
                "{line}"
            );
        }
    }

    #[test]
    fn nothing_is_lost_or_seen_half_between_threads() {
        let memory = memory(128);
        let table = Table::prepare(&memory).unwrap();
        let done = AtomicBool::new(false);
        let keys: Vec<String> = (0..20)
            .map(|key| format!("key-{key}-{}", "x".repeat(40)))
            .collect();
        thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        for round in 0..2_000 {
                            let key = &keys[round % keys.len()];
                            table.observe(&Labels { key, ..LABELS }, 1_000);
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    for name in samples(table).keys() {
                        let key = name
                            .split("key=\"")
                            .nth(1)
                            .map(|rest| rest.split('"').next().unwrap());
                        assert!(
                            key.is_none_or(|key| keys.iter().any(|known| known == key)),
                            "{name}"
                        );
                    }
                }
            });
            writers
                .into_iter()
                .for_each(|writer| writer.join().unwrap());
            done.store(true, Relaxed);
        });
        let found = samples(table);
        for key in &keys {
            let name = format!(
                "crossdomain_media_decisions_total{{zone=\"media\",server=\"media.example.org\",status=\"granted\",reason=\"valid\",format=\"django\",key=\"{key}\"}}"
            );
            assert_eq!(found[&name], 400.0);
        }
    }
}

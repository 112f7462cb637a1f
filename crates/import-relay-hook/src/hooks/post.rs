//! Messages between tabs, and their encoding (pure).
//!
//! A message is a list of fields, each preceded by its length. JSON would need more code in the bundle than this module.

use super::{
    follower::{Millis, StreamEvent},
    tab_leader::Wants,
};
use crate::model::job::JobId;

/// A message between tabs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Post {
    /// A tab wants this.
    Want { tab: String, wants: Wants },
    /// The leader has noted what a tab wants.
    Known { tab: String },
    /// A tab asks whether there is a leader.
    Ping { tab: String },
    /// Earlier events of the stream for a tab, and the time since the last one.
    Repeat {
        tab: String,
        events: Vec<StreamEvent>,
        age: Millis,
    },
    /// A tab is the new leader; the others send what they want.
    Lead,
    /// An event of the stream.
    Event(StreamEvent),
}

impl Post {
    /// Encodes the message.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut add = |field: &str| add(&mut text, field);
        match self {
            Self::Want { tab, wants } => {
                add("want");
                add(tab);
                add(if wants.new { "new" } else { "" });
                wants.jobs.iter().for_each(|job| add(job.as_str()));
            }
            Self::Known { tab } => ["known", tab.as_str()].into_iter().for_each(add),
            Self::Ping { tab } => ["ping", tab.as_str()].into_iter().for_each(add),
            Self::Repeat { tab, events, age } => {
                add("repeat");
                add(tab);
                add(&whole(*age).to_string());
                events.iter().for_each(|event| add_event(event, &mut add));
            }
            Self::Lead => add("lead"),
            Self::Event(event) => {
                add("event");
                add_event(event, &mut add);
            }
        }
        text
    }

    /// Decodes a message. Returns `None` for one of another version of the page.
    pub(super) fn read(text: &str) -> Option<Self> {
        let fields = fields(text)?;
        let mut fields = fields.into_iter();
        let mut next = || fields.next();
        let post = match next()? {
            "want" => {
                let (tab, new) = (next()?.to_owned(), next()? == "new");
                let jobs = fields.by_ref().map(str::parse).collect::<Result<_, _>>();
                let jobs = jobs.ok()?;
                let wants = Wants { jobs, new };
                Self::Want { tab, wants }
            }
            "known" => Self::Known {
                tab: next()?.to_owned(),
            },
            "ping" => Self::Ping {
                tab: next()?.to_owned(),
            },
            "repeat" => {
                let (tab, age) = (next()?.to_owned(), next()?.parse::<u32>().ok()?);
                let age = f64::from(age);
                let mut events = Vec::new();
                while let Some(kind) = fields.next() {
                    events.push(event(kind, &mut fields)?);
                }
                Self::Repeat { tab, events, age }
            }
            "lead" => Self::Lead,
            "event" => {
                let kind = next()?;
                Self::Event(event(kind, &mut fields)?)
            }
            _ => return None,
        };
        fields.next().is_none().then_some(post)
    }
}

/// Returns whole milliseconds: code that reads and writes fractions would be larger than this module.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the cast saturates
fn whole(age: Millis) -> u32 {
    age as u32
}

fn add(text: &mut String, field: &str) {
    text.push_str(&field.len().to_string());
    text.push(':');
    text.push_str(field);
}

fn fields(mut text: &str) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        let length: usize = length.parse().ok()?;
        fields.push(rest.get(..length)?);
        text = &rest[length..];
    }
    Some(fields)
}

fn add_event(event: &StreamEvent, add: &mut impl FnMut(&str)) {
    match event {
        StreamEvent::Opened => add("opened"),
        StreamEvent::Message { job, text } => {
            add("message");
            add(job.as_ref().map_or("", JobId::as_str));
            add(text);
        }
        StreamEvent::Interrupted => add("interrupted"),
        StreamEvent::GivenUp => add("given-up"),
        named => {
            if let Some((name, data)) = named.name() {
                add(name);
                add(data);
            }
        }
    }
}

fn event<'a>(kind: &str, fields: &mut impl Iterator<Item = &'a str>) -> Option<StreamEvent> {
    Some(match kind {
        "opened" => StreamEvent::Opened,
        "message" => {
            let job = match fields.next()? {
                "" => None,
                job => Some(job.parse().ok()?),
            };
            let text = fields.next()?.to_owned();
            StreamEvent::Message { job, text }
        }
        "interrupted" => StreamEvent::Interrupted,
        "given-up" => StreamEvent::GivenUp,
        name => StreamEvent::named(name, fields.next()?.to_owned())?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn an_event() -> impl Strategy<Value = StreamEvent> {
        let job = proptest::option::of("[a-z0-9]{1,9}");
        prop_oneof![
            Just(StreamEvent::Opened),
            Just(StreamEvent::Heartbeat),
            Just(StreamEvent::End),
            Just(StreamEvent::Interrupted),
            Just(StreamEvent::GivenUp),
            ".*".prop_map(StreamEvent::Upstream),
            ".*".prop_map(StreamEvent::NotFound),
            (job, ".*").prop_map(|(job, text)| StreamEvent::Message {
                job: job.map(|job| job.parse().unwrap()),
                text,
            }),
        ]
    }

    fn a_post() -> impl Strategy<Value = Post> {
        let jobs = proptest::collection::vec("[a-z0-9]{1,9}", 0..4);
        let wants = (jobs, any::<bool>()).prop_map(|(jobs, new)| Wants {
            jobs: jobs.iter().map(|job| job.parse().unwrap()).collect(),
            new,
        });
        let events = proptest::collection::vec(an_event(), 0..4);
        prop_oneof![
            ("[0-9.]+", wants).prop_map(|(tab, wants)| Post::Want { tab, wants }),
            "[0-9.]+".prop_map(|tab| Post::Known { tab }),
            "[0-9.]+".prop_map(|tab| Post::Ping { tab }),
            ("[0-9.]+", events, 0..1_000_000_u32).prop_map(|(tab, events, age)| Post::Repeat {
                tab,
                events,
                age: f64::from(age),
            }),
            Just(Post::Lead),
            an_event().prop_map(Post::Event),
        ]
    }

    proptest! {
        #[test]
        fn a_post_reads_back(post in a_post()) {
            prop_assert_eq!(Post::read(&post.text()), Some(post));
        }

        #[test]
        fn whatever_another_page_says_is_read_or_not(text in ".*") {
            let _ = Post::read(&text);
        }
    }

    #[test]
    fn what_no_page_of_this_version_writes_is_nothing() {
        for text in [
            "",
            "4:lea",
            "x:lead",
            "4:lead1:x",
            "5:known",
            "4:want1:10:2:..",
            "5:event3:new",
            "5:event8:message",
            "2:ä",
        ] {
            assert_eq!(Post::read(text), None, "{text}");
        }
    }
}

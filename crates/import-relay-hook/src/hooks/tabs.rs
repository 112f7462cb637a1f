//! How the tabs of one browser share one stream: the tab that holds a lock keeps it and hands on
//! what comes (Web Locks API; HTML, section 9.5, "Broadcasting to other browsing contexts").
//!
//! A browser opens six HTTP/1.1 connections to a server at most, all tabs together.

use js_sys::{Function, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::{
    UseProgressOptions,
    desk::{Desk, Order, Wants, as_many_as_fit},
    early::Early,
    event_source::{Source, jobs_per_stream},
    feed::Inputs,
    follower::{Event, Millis, StreamEvent},
    post::Post,
};
use crate::model::{base_path::base_path, job::JobId, progress::JobsPerStream};

/// The lock's and the channel's name. The page uses it too, before its bundle is there.
pub const NAME: &str = "import-relay-progress";
/// The same, for streams that are opened with credentials.
const NAME_WITH_CREDENTIALS: &str = "import-relay-progress-with-credentials";
/// So long a tab waits for the one that keeps the stream before it opens its own.
const PATIENCE: Millis = 3_000.0;
/// So often a tab repeats what it wants.
const REPEAT: Millis = 20_000.0;
/// So long the tab that keeps the stream may say nothing before one that is looked at asks whether it is
/// still there: a browser may freeze it.
const CHECK: Millis = 2_000.0;

/// What happens between tabs.
#[derive(Clone, Debug)]
pub(super) enum TabEvent {
    /// The lock is ours.
    Granted,
    /// A tab says something.
    Posted(String),
    /// Something happened on the stream that this tab keeps.
    Streamed(StreamEvent),
    /// The hooks of this tab are to know what has happened on the stream, which spoke so long ago.
    Told(Vec<StreamEvent>, Millis),
}

/// This tab's end of the line to the server.
pub(super) struct Line {
    options: UseProgressOptions,
    inputs: Inputs,
    tab: String,
    most: JobsPerStream,
    wants: Wants,
    /// What the page did before its bundle was there, until the first stream is opened.
    early: Option<Early>,
    sharing: Option<Sharing>,
    role: Role,
    /// When what is wanted was last said.
    said: Millis,
}

/// What is held while tabs share a stream. Dropping it gives the lock back.
struct Sharing {
    channel: BroadcastChannel,
    abort: AbortController,
    release: Function,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_grant: Option<OnGrant>,
}

/// Who keeps the stream.
enum Role {
    /// Nobody yet, or another tab.
    Member {
        /// Since when this tab has waited for its word.
        waits_since: Option<Millis>,
        /// When it last said anything.
        heard: Millis,
    },
    /// This tab, for itself: there is no sharing, or no word came.
    Alone(Option<Own>),
    /// This tab, for all.
    Leader { desk: Desk, source: Option<Source> },
}

impl Role {
    /// One of whom nothing is known.
    const MEMBER: Self = Self::Member {
        waits_since: None,
        heard: 0.0,
    };
}

/// A stream that a tab keeps for itself.
struct Own {
    /// The jobs that were wanted when it was opened.
    jobs: Vec<JobId>,
    _source: Source,
}

impl Line {
    /// Makes a line on which nothing is wanted. `inputs` is told what happens.
    pub(super) fn new(options: UseProgressOptions, inputs: Inputs) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is from 0 to 2^53
        let tab = ((js_sys::Math::random() * 9_007_199_254_740_992.0) as u64).to_string();
        // Its stream and its lock are the ones of these options.
        let is_alike = options.share_tabs && !options.with_credentials && options.server.is_none();
        Self {
            options,
            inputs,
            tab,
            most: jobs_per_stream(),
            wants: Wants::default(),
            early: Early::take().filter(|_| is_alike),
            sharing: None,
            role: Role::MEMBER,
            said: 0.0,
        }
    }

    /// Opens the stream, or has it opened, of what is wanted now.
    pub(super) fn open(&mut self, wants: Wants, now: Millis) {
        self.wants = wants;
        if self.sharing.is_none() {
            self.sharing = self.share();
            if self.sharing.is_none() {
                self.role = Role::Alone(None);
            }
        }
        match &mut self.role {
            Role::Alone(_) => self.role = Role::Alone(self.open_own()),
            Role::Member { waits_since, .. } => {
                waits_since.get_or_insert(now);
                self.say_wants(now);
            }
            Role::Leader { .. } => self.say_wants(now),
        }
    }

    /// Gives the stream up that is there, as far as it is this tab's, and opens another.
    pub(super) fn renew(&mut self, wants: Wants, now: Millis) {
        self.give_up(now);
        self.open(wants, now);
    }

    fn share(&mut self) -> Option<Sharing> {
        let name = if self.options.with_credentials {
            NAME_WITH_CREDENTIALS
        } else {
            NAME
        };
        if !self.options.share_tabs {
            return None;
        }
        let lock = self.early.as_mut().and_then(Early::take_lock);
        // Another app on the same host has tabs of its own.
        let name = match &self.options.server {
            Some(server) => format!("{name}{server}"),
            None => format!("{name}{}", base_path().as_str()),
        };
        Sharing::begin(&name, lock, &self.inputs)
    }

    /// Says that less is wanted, where another tab keeps the stream.
    pub(super) fn want_less(&mut self, wants: Wants, now: Millis) {
        if self.wants != wants {
            self.wants = wants;
            if self.sharing.is_some() && !matches!(self.role, Role::Alone(_)) {
                self.say_wants(now);
            }
        }
    }

    /// Gives the stream up that has gone silent, so that it is opened anew when it is wanted again.
    pub(super) fn give_up(&mut self, now: Millis) {
        match &mut self.role {
            Role::Alone(own) => *own = None,
            Role::Leader { desk, source } => {
                *source = None;
                desk.heard(&StreamEvent::GivenUp, now);
            }
            Role::Member { .. } => {}
        }
    }

    /// Closes the stream, or leaves it to the other tabs.
    pub(super) fn close(&mut self) {
        self.wants = Wants::default();
        if let Some(sharing) = self.sharing.take() {
            sharing.post(&Post::Want {
                tab: self.tab.clone(),
                wants: Wants::default(),
            });
        }
        self.role = Role::MEMBER;
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now: Millis) {
        match &mut self.role {
            Role::Member {
                waits_since: Some(since),
                ..
            } if now - *since >= PATIENCE => self.role = Role::Alone(self.open_own()),
            Role::Member { waits_since, heard }
                if self.sharing.is_some()
                    && now - *heard >= CHECK
                    && waits_since.is_none()
                    && !document().hidden() =>
            {
                *waits_since = Some(now);
                let tab = self.tab.clone();
                self.post(&Post::Ping { tab });
            }
            // Whoever keeps the stream may be there after all.
            Role::Member { .. } | Role::Alone(_)
                if self.sharing.is_some() && now - self.said >= REPEAT =>
            {
                self.say_wants(now);
            }
            _ => {}
        }
    }

    /// Takes in what happened between tabs, and returns what happened on the stream.
    pub(super) fn take(&mut self, event: TabEvent, now: Millis) -> Vec<Event> {
        if self.sharing.is_none() && !matches!(self.role, Role::Alone(_)) {
            return Vec::new(); // it comes late
        }
        match event {
            TabEvent::Granted => {
                self.role = Role::Leader {
                    desk: Desk::new(self.most, self.options.stale_after.as_secs_f64() * 1_000.0),
                    source: None,
                };
                self.post(&Post::Lead);
                self.say_wants(now);
                Vec::new()
            }
            TabEvent::Streamed(event) => {
                match &mut self.role {
                    Role::Leader { desk, source } => {
                        desk.heard(&event, now);
                        if matches!(event, StreamEvent::GivenUp | StreamEvent::End) {
                            *source = None;
                        }
                        self.post(&Post::Event(event.clone()));
                    }
                    // A job that joined the stream since may have ended while the browser got the
                    // stream back: by its name its end is told.
                    Role::Alone(Some(own)) if event == StreamEvent::Opened => {
                        let is_named = |job| own.jobs.contains(job);
                        if !as_many_as_fit(self.most, &self.wants.jobs).all(is_named) {
                            self.role = Role::Alone(self.open_own());
                        }
                    }
                    Role::Alone(_) | Role::Member { .. } => {}
                }
                vec![Event::Stream(event)]
            }
            TabEvent::Told(events, age) => repeated(events, age),
            TabEvent::Posted(text) => match self.read(&text) {
                Some(Post::Want { tab, wants }) => {
                    if let Role::Leader { .. } = self.role {
                        self.post(&Post::Known { tab: tab.clone() });
                    }
                    self.serve(tab, wants, now);
                    Vec::new()
                }
                Some(Post::Known { tab }) => {
                    match &mut self.role {
                        // It is there: what it has to tell may be long in coming.
                        Role::Member { waits_since, heard } if tab == self.tab => {
                            *waits_since = None;
                            *heard = now;
                        }
                        Role::Alone(_) => self.rejoin(now),
                        Role::Member { .. } | Role::Leader { .. } => {}
                    }
                    Vec::new()
                }
                Some(Post::Ping { tab }) => {
                    if let Role::Leader { desk, .. } = &mut self.role {
                        let order = desk.check(now);
                        self.obey(order, &tab);
                        self.post(&Post::Known { tab });
                    }
                    Vec::new()
                }
                Some(Post::Repeat { tab, events, age }) => match &mut self.role {
                    Role::Member { waits_since, heard } if tab == self.tab => {
                        *waits_since = None;
                        *heard = now;
                        repeated(events, age)
                    }
                    _ => Vec::new(),
                },
                Some(Post::Lead) => {
                    self.rejoin(now);
                    Vec::new()
                }
                Some(Post::Event(event)) => match &mut self.role {
                    Role::Member { waits_since, heard } => {
                        *waits_since = None;
                        *heard = now;
                        vec![Event::Stream(event)]
                    }
                    Role::Alone(_) => {
                        self.rejoin(now);
                        Vec::new()
                    }
                    Role::Leader { .. } => Vec::new(),
                },
                // Another version of this page.
                None => Vec::new(),
            },
        }
    }

    /// Reads what a tab says. Where one keeps the stream for all, the page's own is not needed.
    fn read(&mut self, text: &str) -> Option<Post> {
        let post = Post::read(text)?;
        if !matches!(post, Post::Want { .. } | Post::Ping { .. }) {
            self.early = None;
        }
        Some(post)
    }

    /// Leaves the stream to the tab that keeps it for all, which will tell what this tab's own told.
    fn rejoin(&mut self, now: Millis) {
        self.role = Role::Member {
            waits_since: Some(now),
            heard: now,
        };
        self.say_wants(now);
    }

    fn say_wants(&mut self, now: Millis) {
        self.said = now;
        let (tab, wants) = (self.tab.clone(), self.wants.clone());
        if let Role::Leader { .. } = self.role {
            self.serve(tab, wants, now);
        } else {
            self.post(&Post::Want { tab, wants });
        }
    }

    /// Does what a tab wants, where this tab keeps the stream.
    fn serve(&mut self, tab: String, wants: Wants, now: Millis) {
        if let Role::Leader { desk, .. } = &mut self.role {
            let order = desk.want(tab.clone(), wants, now);
            self.obey(order, &tab);
        }
    }

    fn obey(&mut self, order: Order, tab: &str) {
        match order {
            Order::Nothing => {}
            Order::Open(wants) => {
                let opened = open(&wants, self.early.take(), &self.inputs, &self.options);
                self.keep(opened);
            }
            Order::Close => self.keep(None),
            Order::Repeat(events, age) if tab == self.tab => {
                self.inputs.tab(TabEvent::Told(events, age));
            }
            Order::Repeat(events, age) => {
                let tab = tab.to_owned();
                self.post(&Post::Repeat { tab, events, age });
            }
        }
    }

    /// Keeps a stream for all, in the place of the one that there is.
    fn keep(&mut self, kept: Option<Source>) {
        if let Role::Leader { source, .. } = &mut self.role {
            *source = kept;
        }
    }

    fn open_own(&mut self) -> Option<Own> {
        let jobs = as_many_as_fit(self.most, &self.wants.jobs);
        let wants = Wants {
            jobs: jobs.cloned().collect(),
            new: self.wants.new,
        };
        let source = open(&wants, self.early.take(), &self.inputs, &self.options)?;
        Some(Own {
            jobs: wants.jobs,
            _source: source,
        })
    }

    fn post(&self, post: &Post) {
        if let Some(sharing) = &self.sharing {
            sharing.post(post);
        }
    }
}

fn repeated(events: Vec<StreamEvent>, age: Millis) -> Vec<Event> {
    let again = |event| Event::Repeated { event, age };
    events.into_iter().map(again).collect()
}

/// Returns whether the tabs of this browser can share a stream on this page. Over plain HTTP there are no
/// locks, but on the machine itself.
pub(super) fn can_share() -> bool {
    locks().is_some() && Reflect::has(&js_sys::global(), &"BroadcastChannel".into()) == Ok(true)
}

fn locks() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?;
    Some((locks, request.dyn_into().ok()?))
}

fn open(
    wants: &Wants,
    early: Option<Early>,
    inputs: &Inputs,
    options: &UseProgressOptions,
) -> Option<Source> {
    let emit = {
        let inputs = inputs.clone();
        move |event| inputs.tab(TabEvent::Streamed(event))
    };
    let source = Source::open(wants, early, options, emit.clone());
    if source.is_err() {
        emit(StreamEvent::GivenUp);
    }
    source.ok()
}

/// What is called when the lock is ours.
type OnGrant = Closure<dyn FnMut(JsValue) -> JsValue>;

/// Waits for the lock, until that is aborted. Returns what gives it back.
fn ask_for_lock(
    name: &str,
    abort: &AbortController,
    inputs: &Inputs,
) -> Option<(Function, OnGrant)> {
    let (locks, request) = locks()?;
    // The lock is held until this promise is kept.
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let on_grant = {
        let inputs = inputs.clone();
        Closure::once(move |_lock: JsValue| -> JsValue {
            inputs.tab(TabEvent::Granted);
            held.into()
        })
    };
    let options = Object::new();
    Reflect::set(&options, &"signal".into(), &abort.signal()).ok()?;
    let asked: Promise = request
        .call3(&locks, &name.into(), &options, on_grant.as_ref())
        .ok()?
        .dyn_into()
        .ok()?;
    spawn_local(async move {
        // It is broken when the wait for the lock is given up, which nobody needs to hear of.
        let _ = JsFuture::from(asked).await;
    });
    Some((release?, on_grant))
}

impl Sharing {
    /// Joins the tabs of this browser, or returns `None` where it does not let them share: it is too
    /// old, or the page came over plain HTTP. With `lock`, which gives it back, the lock is ours already.
    fn begin(name: &str, lock: Option<Function>, inputs: &Inputs) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_message = {
            let inputs = inputs.clone();
            Closure::new(move |event: MessageEvent| {
                if let Some(text) = event.data().as_string() {
                    inputs.tab(TabEvent::Posted(text));
                }
            })
        };
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let abort = AbortController::new().ok()?;
        let (release, on_grant) = match lock {
            Some(release) => {
                inputs.tab(TabEvent::Granted);
                (release, None)
            }
            None => {
                let (release, on_grant) = ask_for_lock(name, &abort, inputs)?;
                (release, Some(on_grant))
            }
        };
        Some(Self {
            channel,
            abort,
            release,
            _on_message: on_message,
            _on_grant: on_grant,
        })
    }

    fn post(&self, post: &Post) {
        // It fails only on a closed channel, which this one is not before it is dropped.
        let _ = self.channel.post_message(&post.text().into());
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
        let _ = self.release.call0(&JsValue::UNDEFINED);
        self.abort.abort();
    }
}

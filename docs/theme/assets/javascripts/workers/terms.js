// The theme's search worker, with other terms and another order of what is found:
// terms.js?search.<hash>.min.js loads it.
//
// Left alone, the theme cuts a Chinese query by the words of its index and never looks at the last
// character: 参数绑定 becomes 参数. It lets `optimizer` miss "optimiser", and takes API names either
// whole or in parts, not both. And it adds up words: a long part with a word of the query here and
// another there comes before the short one that answers. So the words of a query are chosen here, by
// what the index holds, and each part is judged by what is close together in it: in one of the names
// and questions that it is known by (proven/search.py), and in one of its paragraphs.

// What a place of a part counts. Chosen on one half of tests/browser/everyday.toml.
const WEIGHTS = {
  exact: 1.5, // a phrase that is the query
  named: 1.6, // a phrase: a name,
  title: 1.02, // the title,
  asked: 1.36, // the question,
  clause: 0.77, // a part of it,
  said: 0.59, // or a sentence elsewhere that leads here
  phrase: 3.67, // the best phrase,
  body: 1.72, // the text as a whole
  passage: 0.5, // and its best paragraph
  code: 0.2, // a word of code, against one of prose
  stem: 0.76, // a word with the same stem, against the word itself,
  begin: 0.66, // one that begins so,
  end: 0.78, // one that ends so
  part: 0.75, // or has it as a part
  aside: 0.65, // a word that stands in no phrase at all
  cover: 1.47, // how much it matters that no word of the query is missing
  norm: 0.63, // and how much that a phrase says nothing else
  rarest: 3.43, // no word counts more than this, however rare
  enough: 2.55, // a word counts half when a text has it so many times
  length: 0.33, // how much longer texts are held against themselves,
  long: 0.14, // and longer paragraphs
  instead: 0.5, // how good the best part of a page must be, against the page, to stand before it
};

let given = []; // the entries of the index, as they come
let entries = []; // the parts
let postings = new Map(); // where in them a form of a word stands
const stems = new Map(); // the forms with a stem
let whole = new Set(); // the words of the text as they stand there
let topics = new Set(); // the forms of words in the phrases
let beginnings = new Set(); // how the forms begin: every word of a query may be unfinished
let texts = new Map(); // what each entry says, or once that was asked for, its pairs of words
let asked = []; // the words of the query
let order = []; // its pairs of words, if it may be pasted

const HAN = /\p{Script=Han}/u;
const WORDS = /\p{Script=Han}+|[\w.]*\w/gu;
const EXCEPTION = /[\w.]*(?:Error|Exception): /; // what stands before it is a traceback
const LONGEST = 24; // words of a query that are looked for; each of them takes time
// With so many pairs of words, or with an exception, a query may be pasted. An entry that has all of
// its pairs counts for ORDER times as much.
const PASTED = 3;
const ORDER = 50;
const QUESTIONS = new Set(["什么", "为什么", "怎么", "怎样", "如何", "哪些", "哪里", "吗", "呢"]);

// One spelling for two: the prose is British; PyTorch, and many readers, are American.
const SPELLINGS = [
  [/([^s]i)z(?=[aei]|$)/g, "$1s"], // optimizer
  [/(\w{3})our/g, "$1or"], // behaviour
  [/^cent(er|re|r)e?/, "centr"], // centred, centered
  [/ll(?=ed|ing)/, "l"], // labelled
  [/^(licen|practi)[cs]/, "$1s"], // licence
  [/^gray/, "grey"],
];
const spelt = (word) =>
  SPELLINGS.reduce((text, [from, to]) => text.replace(from, to), word.toLowerCase());

/** Without the s of a plural. */
const singular = (word) => word.replace(/(\w\w[^s])s$/, "$1");

const stemOf = (form) =>
  /^[a-z]+$/.test(form) ? lunr.stemmer(new lunr.Token(form, {})).toString() : form;

/** All forms in which a word of the text can be found, and what each counts: whole, by its end and by its parts. */
function forms(word) {
  const found = new Map();
  const add = (form, weight) => found.set(form, Math.max(weight, found.get(form) ?? 0));
  add(spelt(word), 1);
  if (HAN.test(word)) {
    for (let i = 1; i < word.length - 1; i++) add(word.slice(i), WEIGHTS.end);
  } else if (/[a-z]/i.test(word)) {
    for (const { index } of word.matchAll(/\.\b/g)) add(spelt(word.slice(index + 1)), 1);
    for (const part of word.split(/[._]+/)) if (part) add(spelt(part), 1);
    for (const part of word.match(/[A-Z]+[a-z]+/g) ?? []) add(spelt(part), WEIGHTS.part);
    for (const [form, weight] of [...found]) add(singular(form), weight);
  }
  return found;
}

/** Cut a run of Chinese into words of the index: as few as will do, leaving out what it has not. */
function cut(run) {
  const best = [];
  best[run.length] = { cost: 0, words: [] };
  for (let i = run.length - 1; i >= 0; i--) {
    best[i] = { cost: best[i + 1].cost + 3, words: best[i + 1].words };
    for (let j = i + 1; j <= run.length; j++) {
      const word = run.slice(i, j);
      const known = whole.has(word) ? 1 : (j < run.length ? postings : beginnings).has(word) && 1.5;
      const cost = best[j].cost + known;
      if (known && cost <= best[i].cost)
        best[i] = { cost, words: [word, ...best[j].words] };
    }
  }
  return best[0].words.length ? best[0].words : [run];
}

/** A word of a query as the index has it, or else by its stem, or else by its parts. */
function matching(word) {
  const one = singular(spelt(word)).replace(/^torch\.(?=\w+\.)/, "");
  if (beginnings.has(one) || stems.has(stemOf(one))) return [one];
  const parts = [...forms(word).keys()].filter((form) => beginnings.has(form));
  return parts.length ? parts : [one];
}

/** Whether a word says what is looked for. */
const tells = (word) =>
  HAN.test(word)
    ? lunr.zh?.stopWordFilter(word) && !QUESTIONS.has(word)
    : word.length > 1 && lunr.stopWordFilter(word.toLowerCase());

/** The query that the theme is to see; what stands in quotes is required. */
function rewritten(query) {
  const words = query.split('"').flatMap((text, i) =>
    (text.match(WORDS) ?? [])
      .flatMap((word) => (HAN.test(word) ? cut(word) : word))
      .map((word) => ({ word, required: i % 2 })),
  );
  const telling = words.filter(({ word }) => tells(word));
  const found = new Map();
  for (const { word, required } of telling.length ? telling : words)
    for (const term of matching(word)) found.set(term, required || found.get(term));
  asked = [...found].slice(0, LONGEST).map(([term, required]) => ({ term, required }));
  return asked.map(({ term }) => term).join(" ");
}

/** The pairs of telling Latin words in a row. Numbers and 'names' differ from one message to the next. */
function pairs(text) {
  const words = text.replace(/<[^>]*>|&#?\w+;|'\w+'/g, " ").toLowerCase().match(/\b[a-z_]\w*/g) ?? [];
  const telling = words.filter(tells);
  return new Set(telling.slice(1).map((word, i) => `${telling[i]} ${word}`));
}

/** How much of the order of the query an entry keeps, from 0 to 1. */
function kept(ref) {
  if (!order.length || !texts.has(ref)) return 0;
  const text = texts.get(ref);
  const known = typeof text === "string" ? pairs(text) : text;
  texts.set(ref, known);
  return order.filter((pair) => known.has(pair)).length / order.length;
}

/** How telling a word is that so many entries have. */
const rarity = (count) =>
  Math.min(WEIGHTS.rarest, Math.log(1 + (entries.length - count + 0.5) / (count + 0.5)));

/** Read the parts: the phrases that each is known by, and its paragraphs. */
function readAll(docs) {
  entries = docs.map((doc) => ({ ref: doc.location, boost: doc.boost ?? 1, phrases: [], paragraphs: [] }));
  postings = new Map();
  whole = new Set();
  topics = new Set();
  const spread = new Map(); // the entries that have a word
  const place = (entry, kind, number, text, weight) => {
    const words = new Set();
    for (const word of text.match(WORDS) ?? []) {
      if (!tells(word)) continue;
      const base = stemOf(singular(spelt(word)));
      words.add(base);
      if (!spread.has(base)) spread.set(base, new Set());
      spread.get(base).add(entry);
      whole.add(word);
      for (const [form, share] of forms(word)) {
        if (kind === "phrases") topics.add(form);
        if (!postings.has(form)) postings.set(form, []);
        postings.get(form).push({ entry, kind, number, weight: weight * share });
      }
    }
    return [...words];
  };
  docs.forEach((doc, i) => {
    const phrase = (text, weight) => {
      const { phrases } = entries[i];
      const words = place(i, "phrases", phrases.length, plain(text), 1);
      if (words.length) phrases.push({ weight, words });
    };
    const [, section, title] = plain(doc.title).match(/^([\d.]*\d)?\s*(.*)/s);
    phrase(section ?? "", WEIGHTS.title);
    phrase(title, WEIGHTS.title);
    for (const text of doc.named ?? []) phrase(text, WEIGHTS.named);
    for (const question of doc.asked ?? []) {
      phrase(question, WEIGHTS.asked);
      for (const clause of question.split(/[,;:，；：]/)) phrase(clause, WEIGHTS.clause);
    }
    for (const text of doc.said ?? [])
      for (const sentence of text.split(/[.;:!?](?!\S)|[。；：！？]/)) phrase(sentence, WEIGHTS.said);
    const { paragraphs } = entries[i];
    for (const [, code, prose] of doc.text.matchAll(/<pre[^>]*>([\s\S]*?)<\/pre>|((?:(?!<pre)[\s\S])+)/g))
      for (const part of (code ?? prose).split(code === undefined ? /<\/(?:p|li|td|tr)>/ : /$^/)) {
        const words = place(i, "paragraphs", paragraphs.length, plain(part), code === undefined ? 1 : WEIGHTS.code);
        if (words.length) paragraphs.push(words.length);
      }
  });
  const lengths = entries.map(({ paragraphs }) => paragraphs.reduce((sum, length) => sum + length, 0));
  const mean = lengths.reduce((sum, length) => sum + length, 0) / entries.length;
  entries.forEach((entry, i) => {
    entry.length = lengths[i] / mean;
    for (const phrase of entry.phrases)
      phrase.norm = phrase.words.reduce((sum, word) => sum + rarity(spread.get(word).size), 0);
  });
  stems.clear();
  beginnings = new Set();
  for (const form of postings.keys()) {
    for (let i = 1; i <= form.length; i++) beginnings.add(form.slice(0, i));
    const stem = stemOf(form);
    stems.set(stem, [...(stems.get(stem) ?? []), form]);
  }
}

/** The words of a piece of HTML. */
const plain = (html) =>
  html.replace(/<[^>]*>/g, " ").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** The forms by which a word of a query is found, and what each counts. */
function ways(word) {
  const found = new Map();
  for (const form of postings.keys()) if (form.startsWith(word)) found.set(form, WEIGHTS.begin);
  for (const form of stems.get(stemOf(word)) ?? []) found.set(form, WEIGHTS.stem);
  for (const { index } of word.matchAll(/\.\b/g)) {
    const end = word.slice(index + 1);
    if (tells(end) && postings.has(end)) found.set(end, WEIGHTS.part);
  }
  if (postings.has(word)) found.set(word, 1);
  return found;
}

/** Judge all entries by the words of the query: those that have any of them, with their scores. */
function judge() {
  const found = new Map();
  let total = 0;
  for (const { term, required } of asked) {
    const here = new Map();
    const known = ways(term);
    for (const [form, share] of known)
      for (const { entry, kind, number, weight } of postings.get(form)) {
        if (!here.has(entry)) here.set(entry, { phrases: new Map(), paragraphs: new Map() });
        const numbers = here.get(entry)[kind];
        numbers.set(number, Math.max(weight * share, numbers.get(number) ?? 0));
      }
    const topic = [...known].some(([form, share]) => share > WEIGHTS.begin && topics.has(form));
    const worth = rarity(here.size) * (topic ? 1 : WEIGHTS.aside);
    if (here.size) total += worth;
    for (const [entry, hit] of here) {
      if (!found.has(entry)) found.set(entry, { body: 0, got: 0, hits: [] });
      const sums = found.get(entry);
      let body = 0;
      for (const weight of hit.paragraphs.values()) body += weight;
      body /= 1 - WEIGHTS.length + WEIGHTS.length * entries[entry].length;
      sums.body += (worth * body) / (WEIGHTS.enough + body);
      sums.got += worth * Math.min(1, Math.max(body, ...hit.phrases.values()));
      sums.hits.push({ worth, hit });
    }
    if (required) for (const entry of found.keys()) if (!here.has(entry)) found.delete(entry);
  }
  const results = [];
  for (const [number, { body, got, hits }] of found) {
    const entry = entries[number];
    const phrases = new Map();
    const paragraphs = new Map();
    for (const { worth, hit } of hits) {
      for (const [i, weight] of hit.phrases) {
        if (!phrases.has(i)) phrases.set(i, { sum: 0, same: 0 });
        phrases.get(i).sum += worth * weight;
        phrases.get(i).same += weight >= WEIGHTS.stem;
      }
      for (const [i, weight] of hit.paragraphs) paragraphs.set(i, (paragraphs.get(i) ?? 0) + worth * weight);
    }
    let phrase = 0;
    for (const [i, { sum, same }] of phrases) {
      const { weight, norm, words } = entry.phrases[i];
      const exact = same === asked.length && same === words.length ? WEIGHTS.exact : 1;
      const size = total ** WEIGHTS.norm * Math.max(1, norm) ** (1 - WEIGHTS.norm);
      phrase = Math.max(phrase, (exact * weight * sum) / size);
    }
    let passage = 0;
    for (const [i, sum] of paragraphs)
      passage = Math.max(passage, sum / (1 + WEIGHTS.long * Math.log(1 + entry.paragraphs[i] / 15)));
    const score = WEIGHTS.phrase * phrase + (WEIGHTS.body * body + WEIGHTS.passage * passage) / total;
    results.push({
      ref: entry.ref,
      score: 100 * score * (got / total) ** WEIGHTS.cover * entry.boost * ORDER ** kept(entry.ref) ** 2,
    });
  }
  return partsFirst(results).sort((one, other) => other.score - one.score);
}

/** Let the best part of a page stand before the page as a whole, unless it is much the worse answer. */
function partsFirst(results) {
  const best = new Map();
  for (const result of results) {
    const [page, id] = result.ref.split("#");
    if (id && result.score > (best.get(page)?.score ?? 0)) best.set(page, result);
  }
  for (const { ref, score } of results) {
    const part = !ref.includes("#") && best.get(ref);
    if (part && part.score > score * WEIGHTS.instead) part.score = Math.max(part.score, score * 1.001);
  }
  return results;
}

// Before the theme's own listener sees it
addEventListener("message", ({ data }) => {
  if (typeof data.data === "string") {
    const query = data.data.slice(Math.max(0, data.data.search(EXCEPTION)));
    order = [...pairs(query)];
    if (order.length < PASTED && !EXCEPTION.test(query)) order = [];
    data.data = rewritten(query);
  } else if (data.data?.docs) {
    given = data.data.docs;
    texts = new Map(given.map((doc) => [doc.location, doc.text]));
  }
});

importScripts(location.search.slice(1));

lunr.Pipeline.prototype.run = (tokens) =>
  tokens.flatMap((token) => [...forms(token.str).keys()].map((form) => token.clone(() => form)));
lunr.Pipeline.prototype.runString = (term) => [term]; // a query is ready as it is

const { build } = lunr.Builder.prototype;
lunr.Builder.prototype.build = function () {
  const index = build.call(this);
  readAll(given); // not before: lunr knows its stop words only now
  // The theme asks here what to cut: it finds nothing, and leaves the words as they come
  index.invertedIndex = new Proxy(index.invertedIndex, { has: () => false });
  return index;
};

lunr.Index.prototype.search = function () {
  const places = new Map(); // of all words, to be marked
  for (const { term } of asked)
    for (const form of ways(term).keys())
      for (const [field, refs] of Object.entries(this.invertedIndex[form] ?? {}))
        for (const [ref, { position }] of Object.entries(field === "_index" ? {} : refs)) {
          if (!places.has(ref)) places.set(ref, { metadata: {}, seen: new Set() });
          const { metadata, seen } = places.get(ref);
          // several forms of one word: the theme would mark it several times
          const fresh = position.filter((at) => !seen.has(`${field} ${at}`));
          for (const at of fresh) seen.add(`${field} ${at}`);
          metadata[form] ??= {};
          metadata[form][field] = { position: fresh };
        }
  return judge().map(({ ref, score }) => {
    const metadata = places.get(ref)?.metadata ?? {};
    // The theme multiplies by this, the first summand for the top of a page
    const known = asked.filter(({ term }) => Object.keys(metadata).some((form) => form.startsWith(term)));
    const theme = 1 + (+!ref.includes("#") + known.length / asked.length) ** 2;
    return { ref, score: score / theme, matchData: { metadata } };
  });
};

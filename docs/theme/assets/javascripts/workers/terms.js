// The theme's search worker, with other terms: terms.js?search.<hash>.min.js loads it.
//
// Left alone, the theme cuts a Chinese query by the words of its index and never looks at the last
// character: 参数绑定 becomes 参数. It also lets `optimizer` miss "optimiser", and takes API names
// either whole or in parts, not both. So the words of a query are chosen here, by what the index
// holds, and a word of the text stands in the index in every form that a reader may type.

let terms = new Set(); // what the index holds
let beginnings = new Set(); // and how that begins: every word of a query may be unfinished
let texts = new Map(); // what each entry says, or once that was asked for, its pairs of words
let order = []; // the pairs of words of the query, if it may be pasted

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

/** All forms in which a word of the text can be found: whole, by its end and by its parts. */
function forms(word) {
  const found = new Set([spelt(word)]);
  if (HAN.test(word)) {
    for (let i = 1; i < word.length - 1; i++) found.add(word.slice(i));
  } else if (/[a-z]/i.test(word)) {
    for (const { index } of word.matchAll(/\.\b/g)) found.add(spelt(word.slice(index + 1)));
    for (const part of word.split(/[._]+/)) if (part) found.add(spelt(part));
    for (const form of found) found.add(singular(form));
  }
  return [...found];
}

/** Cut a run of Chinese into words of the index: as few as will do, leaving out what it has not. */
function cut(run) {
  const best = [];
  best[run.length] = { cost: 0, words: [] };
  for (let i = run.length - 1; i >= 0; i--) {
    best[i] = { cost: best[i + 1].cost + 3, words: best[i + 1].words };
    for (let j = i + 1; j <= run.length; j++) {
      const word = run.slice(i, j);
      const cost = best[j].cost + 1;
      if (cost < best[i].cost && (j < run.length ? terms : beginnings).has(word))
        best[i] = { cost, words: [word, ...best[j].words] };
    }
  }
  return best[0].words.length ? best[0].words : [run];
}

/** A word of a query as the index has it, or else by its stem, or else by its parts. */
function matching(word) {
  const one = singular(spelt(word)).replace(/^torch\.(?=\w+\.)/, "");
  const stem = one.replace(/(?:e|ed|er|ing|ation)$/, "");
  for (const known of [one, stem]) if (beginnings.has(known)) return [known];
  const parts = forms(one).filter((form) => beginnings.has(form));
  return parts.length ? parts : [one];
}

/** Whether a word says what is looked for. */
const tells = (word) =>
  HAN.test(word)
    ? lunr.zh?.stopWordFilter(word) && !QUESTIONS.has(word)
    : word.length > 1 && lunr.stopWordFilter(word.toLowerCase());

/** The query that the theme is to see; what stands in quotes is required. */
function rewritten(query) {
  const asked = query.split('"').flatMap((text, i) =>
    (text.match(WORDS) ?? [])
      .flatMap((word) => (HAN.test(word) ? cut(word) : word))
      .map((word) => ({ word, required: i % 2 ? "+" : "" })),
  );
  const telling = asked.filter(({ word }) => tells(word));
  const chosen = telling.length ? telling : asked;
  const found = chosen.flatMap(({ word, required }) => matching(word).map((term) => required + term));
  return [...new Set(found)]
    .slice(0, LONGEST)
    // The theme also takes longer words that begin so: the word itself is to count for more
    .flatMap((term) => (terms.has(term) ? [`${term}^8`, term] : term))
    .join(" ");
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

// Before the theme's own listener sees it
addEventListener("message", ({ data }) => {
  if (typeof data.data === "string") {
    const query = data.data.slice(Math.max(0, data.data.search(EXCEPTION)));
    order = [...pairs(query)];
    if (order.length < PASTED && !EXCEPTION.test(query)) order = [];
    data.data = rewritten(query);
  } else if (data.data?.docs) texts = new Map(data.data.docs.map((doc) => [doc.location, doc.text]));
});

importScripts(location.search.slice(1));

lunr.Pipeline.prototype.run = (tokens) =>
  tokens.flatMap((token) => forms(token.str).map((form) => token.clone(() => form)));
lunr.Pipeline.prototype.runString = (term) => [term]; // a query is ready as it is

const { build } = lunr.Builder.prototype;
lunr.Builder.prototype.build = function () {
  const index = build.call(this);
  terms = new Set(Object.keys(index.invertedIndex));
  for (const term of terms)
    for (let i = 1; i <= term.length; i++) beginnings.add(term.slice(0, i));
  // The theme asks here what to cut: it finds nothing, and leaves the words as they come
  index.invertedIndex = new Proxy(index.invertedIndex, { has: () => false });
  return index;
};

const { search } = lunr.Index.prototype;
lunr.Index.prototype.search = function (query) {
  const results = search.call(this, query);
  for (const result of results) result.score *= ORDER ** kept(result.ref) ** 2;
  results.sort((one, other) => other.score - one.score);
  for (const { matchData } of results) {
    const seen = new Set(); // several forms of one word: the theme would mark it several times
    for (const fields of Object.values(matchData.metadata))
      for (const [field, match] of Object.entries(fields))
        match.position = match.position.filter((at) => {
          const known = seen.has(`${field} ${at}`);
          seen.add(`${field} ${at}`);
          return !known;
        });
  }
  return results;
};

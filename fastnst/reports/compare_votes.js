/* Counting: the same formulas as in fastnst/evaluation/votes.py. */
"use strict";
const range = (length) => Array.from({ length }, (_, index) => index);
const MIN_PHOTOS = 6;
const SCORES = { a: 1, tie: 0.5, b: 0 };
const Z = 1.959963984540054;
const sum = (values) => values.reduce((total, value) => total + value, 0);

function interval(share, number) {
  const square = (Z * Z) / number;
  const half = Z * Math.sqrt((share * (1 - share)) / number + square / (4 * number));
  const middle = share + square / 2, scale = 1 + square;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}

const decidingShare = (photos) => 0.5 + Z / (2 * Math.sqrt(photos));

function count(judges, question, photos) {
  const byPhoto = range(photos)
    .map((photo) => judges.map((judge) => judge.votes[question][photo]).filter(Boolean))
    .filter((votes) => votes.length);
  const shares = byPhoto.map((votes) => sum(votes.map((vote) => SCORES[vote])) / votes.length);
  const number = (wanted) => byPhoto.flat().filter((vote) => vote === wanted).length;
  const found = { a: number("a"), tie: number("tie"), b: number("b"), photos: shares.length };
  if (!shares.length) return { ...found, share: null, interval: null, preferred: null };
  const share = sum(shares) / shares.length;
  const ends = interval(share, shares.length);
  const side = ends[0] > 0.5 ? "a" : ends[1] < 0.5 ? "b" : null;
  const preferred = shares.length < MIN_PHOTOS ? null : side;
  return { ...found, share, interval: ends, preferred };
}

function agreement(one, other) {
  const both = Object.keys(one.votes)
    .flatMap((question) =>
      one.votes[question].map((vote, photo) => [vote, other.votes[question][photo]]))
    .filter(([first, second]) => first && second);
  const equal = both.filter(([first, second]) => first === second).length;
  const times = (judge, vote) => both.filter((pair) => pair[judge] === vote).length;
  const chance = sum(Object.keys(SCORES).map((vote) => times(0, vote) * times(1, vote)));
  const total = both.length ** 2;
  const kappa = chance < total ? (equal * both.length - chance) / (total - chance) : null;
  return { equal, both: both.length, kappa };
}

const answered = (judge) => sum(Object.values(judge.votes).map((votes) => votes.filter(Boolean).length));

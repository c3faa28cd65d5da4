// What a Node program does outside V8's own heap: buffers, compression, parsing, hashes. work.js ROUNDS
// Prints a checksum, which is the same on every allocator.
'use strict';
const crypto = require('crypto');
const vm = require('vm');
const zlib = require('zlib');

const rounds = Number(process.argv[2]);

function source(round) {
  let text = '';
  for (let i = 0; i < 300; ++i) {
    text += `function f${i}(a, b) { return a * ${i + round} + (b ? b.x : [a, ${i}].length); }\n`;
  }
  return `(() => {\n${text}return f7(1) + f299(2, { x: ${round} });\n})()`;
}

function messages(round, kept) {
  let length = 0;
  for (let i = 0; i < 1500; ++i) {
    const body = Buffer.alloc(64 + (i * 97) % 12000, i & 255);
    body.writeUInt32LE(round, 0);
    if (i % 50 === 0) kept[(round * 30 + i / 50) % kept.length] = Buffer.concat([body, Buffer.from(String(i))]);
    length += body.length;
  }
  return length;
}

function records(round) {
  const rows = [];
  for (let i = 0; i < 2000; ++i) {
    rows.push({ id: i, name: `name-${(i * 7919) % 1009}`, tags: [round % 7, i % 13], ok: i % 3 === 0 });
  }
  const text = JSON.stringify(rows);
  const back = JSON.parse(text);
  const names = new Map();
  for (const row of back) names.set(row.name, (names.get(row.name) || 0) + row.tags[1]);
  const packed = zlib.deflateSync(text, { level: 1 });
  return [zlib.inflateSync(packed).length, names.size, crypto.createHash('sha256').update(text).digest('hex')];
}

const kept = new Array(3000).fill(Buffer.alloc(0));
const hash = crypto.createHash('sha256');
for (let round = 0; round < rounds; ++round) {
  hash.update(JSON.stringify([messages(round, kept), records(round)]));
  if (round % 4 === 0) hash.update(String(vm.runInThisContext(source(round))));
}
const live = kept.reduce((sum, buffer) => sum + buffer.length, 0);
console.log(`${rounds} rounds, checksum ${hash.digest('hex').slice(0, 16)}, kept ${live}`);

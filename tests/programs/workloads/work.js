// What a node program does to malloc outside its own heap; prints only what every run must print alike.
'use strict';
const { createHash, pbkdf2 } = require('crypto');
const { execFile } = require('child_process');
const fs = require('fs');
const path = require('path');
const { promisify } = require('util');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const zlib = require('zlib');

const digest = (value) => createHash('sha256').update(value).digest('hex').slice(0, 16);

function buffers() {
  const kept = new Map();
  for (let i = 0; i < 20000; i++) kept.set(i % 501, Buffer.alloc((i * 37) % 40000, i & 255));
  return digest(Buffer.concat([...kept.values()]));
}

function documents() {
  const rows = Array.from({ length: 20000 }, (_, i) => ({ id: i, name: `row ${i}`, list: [i, i / 2, 'x'.repeat(i % 50)] }));
  return digest(JSON.stringify(JSON.parse(JSON.stringify(rows)).filter((row) => row.id % 3)));
}

async function pool() {
  const text = Buffer.from(Array.from({ length: 60000 }, (_, i) => `line ${i * i % 977}\n`).join(''));
  const packed = await Promise.all([1, 6, 9].map((level) => promisify(zlib.gzip)(text, { level })));
  const unpacked = await Promise.all(packed.map((one) => promisify(zlib.gunzip)(one)));
  const keys = await Promise.all([...Array(8).keys()].map((i) => promisify(pbkdf2)('secret', `salt${i}`, 1000, 32, 'sha512')));
  const small = await promisify(zlib.brotliCompress)(text.subarray(0, 200000));
  return digest(Buffer.concat([...unpacked, ...keys, zlib.brotliDecompressSync(small)]));
}

async function files() {
  const names = [...Array(50).keys()].map((i) => path.join(process.env.WORK, `file${i}`));
  await Promise.all(names.map((name, i) => fs.promises.writeFile(name, 'y'.repeat(i * 1000))));
  const read = await Promise.all(names.map((name) => fs.promises.readFile(name)));
  return digest(Buffer.concat(read));
}

function worker(number) {
  return new Promise((resolve, reject) => {
    const thread = new Worker(__filename, { workerData: { number } });
    thread.once('message', (array) => resolve(array.reduce((sum, one) => (sum * 31 + one) % 1000003, 7)));
    thread.once('error', reject);
  });
}

function workInWorker() {
  const array = new Uint8Array(300000);
  for (let i = 0; i < array.length; i++) array[i] = (i * workerData.number) & 255;
  zlib.deflateSync(array);
  parentPort.postMessage(array, [array.buffer]);
}

async function main() {
  console.log('buffers', buffers());
  console.log('documents', documents());
  console.log('pool', await pool());
  console.log('files', await files());
  for (let round = 0; round < 3; round++) console.log('workers', await Promise.all([1, 2, 3, 4].map(worker)));
  const child = await promisify(execFile)(process.execPath, ['-p', '"child".repeat(3)']);
  console.log('child', child.stdout.trim(), JSON.stringify(child.stderr));
}

if (isMainThread) main();
else workInWorker();

/** Bringing an SQLite database to the schema of another; with real data of Temporal in test/e2e/embedded/temporal-server.test.ts. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from 'node-sqlite3-wasm';
import { adoptSchema } from '../../../src/embedded/temporal-schema.js';
import { temporaryFolder, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();

const OLDER = `
CREATE TABLE runs (
  id INT NOT NULL, -- unique
  fields TEXT,
  note TEXT GENERATED ALWAYS AS (json_extract(fields, '$.note')) STORED,
  PRIMARY KEY (id)
);
CREATE INDEX by_note ON runs (note);
CREATE VIRTUAL TABLE words USING fts5 (note, content='runs');
CREATE TRIGGER added AFTER INSERT ON runs BEGIN
  INSERT INTO words (rowid, note) VALUES (NEW.rowid, NEW.note);
END;`;
const NEWER = `
CREATE TABLE runs (
  id INT NOT NULL, -- unique
  fields TEXT,
  note TEXT GENERATED ALWAYS AS (json_extract(fields, '$.note')) STORED,
  tag TEXT GENERATED ALWAYS AS (json_extract(fields, '$.tag')) STORED,
  PRIMARY KEY (id)
);
CREATE TABLE kinds (
  name TEXT
);
CREATE INDEX by_note ON runs (note);
CREATE INDEX by_tag ON runs (tag);
CREATE VIRTUAL TABLE words USING fts5 (note, tag, content='runs');
CREATE TRIGGER added AFTER INSERT ON runs BEGIN
  INSERT INTO words (rowid, note, tag) VALUES (NEW.rowid, NEW.note, NEW.tag);
END;`;

function use<T>(file: string, act: (db: Database) => T): T {
  const db = new Database(file);
  try {
    return act(db);
  } finally {
    db.close();
  }
}

const insert = (id: number, fields: object) => (db: Database) =>
  db.run('INSERT INTO runs (id, fields) VALUES (?, ?)', [id, JSON.stringify(fields)]);

async function databases(sample: string): Promise<{ file: string; wanted: string }> {
  const folder = await temporaryFolder(undo);
  const [file, wanted] = [join(folder, 'older.db'), join(folder, 'newer.db')];
  use(file, (db) => db.exec(OLDER));
  use(file, insert(1, { note: 'first', tag: 'red' }));
  use(wanted, (db) => db.exec(sample));
  return { file, wanted };
}

test('adds tables, columns, indexes and searches, and keeps the rows', async () => {
  const { file, wanted } = await databases(NEWER);
  // As a killed process leaves it.
  mkdirSync(`${file}.lock`);
  // The column, the table, the index, the search and the trigger, of which the last two replace others.
  expect(adoptSchema(file, wanted)).toBe(8);
  use(file, insert(2, { note: 'second', tag: 'blue' }));
  const found = (word: string) =>
    use(file, (db) =>
      db.all('SELECT runs.id FROM words JOIN runs ON runs.rowid = words.rowid WHERE words MATCH ?', [word]),
    );
  expect([found('red'), found('blue'), found('first')]).toEqual([[{ id: 1 }], [{ id: 2 }], [{ id: 1 }]]);
  expect(use(file, (db) => db.all('SELECT tag FROM runs INDEXED BY by_tag WHERE tag > ? ORDER BY id', ['']))).toEqual([
    { tag: 'red' },
    { tag: 'blue' },
  ]);
  expect(use(file, (db) => db.all('SELECT name FROM kinds'))).toEqual([]);
  expect(adoptSchema(file, wanted)).toBe(0);
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test('changes nothing when rows of the older schema do not allow one of the changes', async () => {
  const { file, wanted } = await databases(NEWER.replace('  PRIMARY KEY', '  owner TEXT NOT NULL,\n  PRIMARY KEY'));
  expect(() => adoptSchema(file, wanted)).toThrow('Cannot add a NOT NULL column with default value NULL');
  const columns = use(file, (db) => db.all('PRAGMA table_xinfo(runs)')).map(({ name }) => name);
  expect(columns).toEqual(['id', 'fields', 'note']);
});

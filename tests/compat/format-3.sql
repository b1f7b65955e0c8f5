PRAGMA application_id = 1229801299;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE embeddings (
    image_id INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    vector   BLOB NOT NULL,         -- dim little-endian float32
    crc32    INTEGER NOT NULL
);
INSERT INTO "embeddings" VALUES(1,X'0000803F0000000000000000',1817755757);
INSERT INTO "embeddings" VALUES(2,X'F304353FF304353F00000000',1965048197);
INSERT INTO "embeddings" VALUES(3,X'000000000000803F00000000',1175780832);
INSERT INTO "embeddings" VALUES(4,X'00000000000000000000803F',4130370329);
CREATE TABLE images (
    image_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id      INTEGER NOT NULL REFERENCES roots,
    path         BLOB NOT NULL,     -- below the root, as the file system spells it
    size_bytes   INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    content_hash BLOB NOT NULL,     -- sha256 of the file
    width        INTEGER NOT NULL,  -- upright
    height       INTEGER NOT NULL,
    format       TEXT NOT NULL,
    generation   INTEGER NOT NULL,  -- the one that last changed the vector
    crc32        INTEGER NOT NULL DEFAULT 0,
    taken        TEXT,              -- by its EXIF data, ISO 8601 without a zone
    camera       TEXT,              -- make and model
    exif_tags    INTEGER,           -- how many; NULL if its EXIF data were never looked at
    UNIQUE (root_id, path)
);
INSERT INTO "images" VALUES(1,1,X'612E706E67',75,1600000000000000000,X'9FA0F2AE2B655C877690C6ED5649DAD9F248147F7E21D0F8011636C20D627162',8,8,'PNG',1,2482260315,NULL,NULL,0);
INSERT INTO "images" VALUES(2,1,X'622E706E67',76,1600000001000000000,X'346D829BB507DBCB826B8DCF49292DB0E2DE4C03E310797A9EAD39459B37C1ED',8,8,'PNG',1,2744616342,NULL,NULL,0);
INSERT INTO "images" VALUES(3,1,X'632E706E67',164,1600000004000000000,X'54B69587E0FCB88D1A829D7225EBC87B4A4DBBBA4563F44EB762C987A3F827A4',8,8,'PNG',1,2112069998,'2024-05-31T18:20:05','Box',2);
INSERT INTO "images" VALUES(4,1,X'7375622F642E706E67',77,1600000003000000000,X'36FE6AB71EC56FA1FC84326E4673FBF028C6AD2EB5051CE5A9E6CB0D07C85F4C',8,8,'PNG',1,2032748405,NULL,NULL,0);
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    crc32 INTEGER NOT NULL DEFAULT 0    -- of the rest of the row, here and below
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('embedder','{"model": "mean-colour", "weights": "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0", "preprocessing": {"side": 8, "rendering": "faithful"}, "pooling": "avg", "dim": 3}',2714300176);
INSERT INTO "meta" VALUES('format','3',364490879);
INSERT INTO "meta" VALUES('generation','1',2306478913);
INSERT INTO "meta" VALUES('index_token','4c18107669cee36acea3cb079ae038d3',1249704988);
INSERT INTO "meta" VALUES('precisions','fp32',2580378721);
INSERT INTO "meta" VALUES('schema','3924372321',323536709);
CREATE TABLE rejects (
    root_id    INTEGER NOT NULL REFERENCES roots,
    path       BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('failed', 'ignored')),
    reason     TEXT NOT NULL,
    crc32      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (root_id, path)
) WITHOUT ROWID;
INSERT INTO "rejects" VALUES(1,X'62726F6B656E2E706E67',15,1600000005000000000,'failed','the PNG data is damaged (broken PNG file (chunk b''ing''))',1829119773);
INSERT INTO "rejects" VALUES(1,X'6E6F7465732E747874',10,1600000006000000000,'ignored','not a picture',2908561197);
CREATE TABLE removals (image_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE TABLE roots (
    root_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    absolute BLOB NOT NULL,         -- where the folder was when it was last indexed
    relative BLOB NOT NULL,         -- the same, seen from the gallery's folder
    crc32    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "roots" VALUES(1,X'2F70686F746F73',X'2E2E',1922276394);
CREATE INDEX images_by_content ON images (content_hash);
CREATE INDEX images_by_generation ON images (generation);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('roots',1);
INSERT INTO "sqlite_sequence" VALUES('images',4);
COMMIT;

/**
 * The tables of the embedded history, with the names of the documents in MongoDB; times are epoch
 * milliseconds. Message rows are found by their position only, so their ids need no storage.
 */
export const SQLITE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    id TEXT NOT NULL PRIMARY KEY,
    ownerId TEXT NOT NULL,
    externalId TEXT,
    title TEXT,
    model TEXT,
    instructions TEXT,
    encoding TEXT NOT NULL,
    metadata TEXT,
    branches TEXT NOT NULL,
    activeBranch TEXT NOT NULL,
    branchEpoch INTEGER NOT NULL,
    selectedEpochs TEXT NOT NULL,
    heads TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    lastMessageAt INTEGER NOT NULL,
    archivedAt INTEGER,
    archived INTEGER NOT NULL GENERATED ALWAYS AS (archivedAt IS NOT NULL) VIRTUAL,
    expiresAt INTEGER,
    deletedAt INTEGER,
    redactions TEXT,
    dropDue INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS conversationsByLastMessage
    ON conversations (ownerId, archived, lastMessageAt, id) WHERE deletedAt IS NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS conversationsByExternalId
    ON conversations (ownerId, externalId) WHERE deletedAt IS NULL AND externalId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS conversationsByDeletion ON conversations (deletedAt) WHERE deletedAt IS NOT NULL;
  CREATE INDEX IF NOT EXISTS conversationsByEnd
    ON conversations (expiresAt) WHERE expiresAt IS NOT NULL AND deletedAt IS NULL;
  CREATE INDEX IF NOT EXISTS conversationsByRedaction ON conversations (dropDue) WHERE dropDue IS NOT NULL;

  CREATE TABLE IF NOT EXISTS messages (
    conversationId TEXT NOT NULL,
    branch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    tokenStart INTEGER NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    content TEXT,
    parts TEXT,
    createdAt INTEGER NOT NULL,
    author TEXT,
    replyTo TEXT,
    metadata TEXT,
    clientMessageId TEXT,
    finishReason TEXT,
    usage TEXT,
    model TEXT,
    unlistedSince INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS messagesBySequence ON messages (conversationId, branch, sequence);
  CREATE UNIQUE INDEX IF NOT EXISTS messagesByTokenStart ON messages (conversationId, branch, tokenStart);
  CREATE UNIQUE INDEX IF NOT EXISTS messagesByClientMessageId
    ON messages (conversationId, clientMessageId) WHERE clientMessageId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS messagesByUnlisted
    ON messages (unlistedSince, conversationId, branch) WHERE unlistedSince IS NOT NULL;
`

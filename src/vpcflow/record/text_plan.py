"""Where each integer stands in the arrays that the text kernel works on."""

from __future__ import annotations

# state: one array a decoder
AT = 0  # address of the next line
END = 1  # address after the last whole line
ROW = 2  # rows in the block so far
ROWS_MAX = 3
LINE = 4  # lines done since the start of the object
STATUS = 5
SEED = 6  # of the hashes, so that nobody can prepare colliding values
FORMAT_OPEN = 7  # 1 until the first line has decided the log format
ALL_TEXT = 8  # 1 when every field is text: a header would pass as a record
HEADER_AT = 9  # the header line of the log format
HEADER_BYTES = 10
NAMES_AT = 11  # hashes of the registry's field ids
NAMES = 12
BAD = 13  # bad lines kept so far
BAD_MAX = 14
BAD_BYTES = 15
BAD_BYTES_MAX = 16
BAD_DATA = 17  # address of their bytes
FULL_SLOT = 18  # row of texts that has no room
STATE_LENGTH = 19

# state[STATUS]: why the kernel came back
DONE = 0
FULL_ROWS = 1
FULL_TEXT = 2
FULL_BAD = 3
HEADER = 4
SAME_HEADER = 5  # only inside the kernel: a header that changes nothing

# plan: a row for each field
KIND = 0
VALUES_AT = 1  # address of the column's values
VALID_AT = 2  # address of its validity bitmap
VALUE_MAX = 3
TEXT = 4  # which row of texts
PLAN_LENGTH = 5

KIND_INT32 = 0
KIND_INT64 = 1
KIND_ADDRESS = 2
KIND_TEXT = 3

# texts: a row for each text field, its dictionary
COUNT = 0  # values so far
VALUES_MAX = 1
BYTES_USED = 2
BYTES_MAX = 3
OFFSETS_AT = 4
BYTES_AT = 5
SLOTS_AT = 6  # open addressing; high half: the hash, low half: code + 1
SLOTS = 7  # a power of two, at least twice VALUES_MAX
LAST = 8  # code of the row before, -1 for none
TEXTS_LENGTH = 9

# bad: a row for each bad line
BAD_LINE = 0
BAD_REASON = 1
BAD_FIELD = 2
BAD_END = 3  # where its bytes end in the data
BAD_LENGTH = 4
BAD_WIDTH = 5

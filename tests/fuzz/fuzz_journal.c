/* libFuzzer: bytes as a segment, as the payloads of its records, and as a file that is opened.
 *
 * Whatever the bytes are, an episode that was decoded is encoded and decoded again to the same one,
 * and a journal that was opened once has nothing to mend when it is opened again. A segment's
 * checksums keep random bytes out, so that most are tried as payloads too, and the file is made of
 * records whose checksums are right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "episodes/journal_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static rud_journal_header small_header(uint8_t choice)
{
    rud_journal_header header = {.task = strdup("fuzz")};
    require(header.task &&
                rud_space_box(NULL, NULL, 1 + choice % 2, &header.observation_space) == RUD_OK,
            "header");
    if (choice & 2) require(rud_space_discrete(3, &header.action_space) == RUD_OK, "header");
    return header;
}

static bool same_row(const double *a, const double *b, size_t count)
{
    return count == 0 || memcmp(a, b, count * sizeof *a) == 0;
}

static bool same(const rud_episode *a, const rud_episode *b)
{
    return strcmp(a->id, b->id) == 0 && a->steps == b->steps && a->has_seed == b->has_seed &&
           a->seed == b->seed && a->observation_rows == b->observation_rows &&
           a->terminated == b->terminated && a->truncated == b->truncated &&
           same_row(a->observations, b->observations, a->observation_rows * a->observation_width) &&
           same_row(a->actions, b->actions, a->steps * a->action_width) &&
           same_row(a->rewards, b->rewards, a->steps);
}

static void check_episode(const rud_journal_header *header, const uint8_t *payload, size_t size)
{
    rud_episode *episode, *again;
    if (rud_journal_decode_episode(header, payload, size, &episode) != RUD_OK) {
        require(episode == NULL, "an episode beside a failure");
        return;
    }
    rud_journal_buffer buffer = {0};
    rud_journal_encode_episode(episode, &buffer);
    rud_journal_scan scan = {(const unsigned char *)buffer.bytes.data, buffer.bytes.size, 0};
    rud_journal_frame frame;
    require(rud_journal_scan_next(&scan, &frame), "no record");
    require(rud_journal_decode_episode(header, frame.payload, frame.size, &again) == RUD_OK,
            rud_last_error());
    require(same(episode, again), "another episode");
    rud_episode_free(&again);
    rud_episode_free(&episode);
    rud_journal_buffer_free(&buffer);
}

static void check_start(const uint8_t *payload, size_t size)
{
    rud_journal_start start, again;
    if (rud_journal_decode_start(payload, size, &start) != RUD_OK) return;
    if (start.version == RUD_JOURNAL_VERSION) {
        rud_journal_buffer buffer = {0};
        rud_journal_encode_start(&start.header, start.first_episode, &buffer);
        require(rud_journal_decode_start(buffer.bytes.data + RUD_JOURNAL_FRAME,
                                         buffer.bytes.size - RUD_JOURNAL_FRAME, &again) == RUD_OK,
                rud_last_error());
        require(rud_journal_header_equal(&start.header, &again.header), "another header");
        rud_journal_header_free(&again.header);
        rud_journal_buffer_free(&buffer);
    }
    rud_journal_header_free(&start.header);
}

/* Cuts the data at each 0xC1, which MessagePack never uses, into payloads of records; an empty one
 * puts the bytes before it in as they are. */
static void make_segment(const rud_journal_header *header, const uint8_t *data, size_t size,
                         rud_journal_buffer *buffer)
{
    rud_journal_encode_start(header, 0, buffer);
    while (size > 0) {
        const uint8_t *end = memchr(data, 0xC1, size);
        const size_t length = end ? (size_t)(end - data) : size;
        const bool raw = end && length + 1 < size && end[1] == 0xC1;
        const size_t begin = raw ? 0 : rud_journal_frame_begin(buffer);
        rud_journal_buffer_write(buffer, (const char *)data, length);
        if (!raw) rud_journal_frame_end(buffer, begin);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

static const char *folder(void)
{
    static char path[] = "/tmp/fuzz_journal_XXXXXX";
    static bool made;
    if (!made) require(mkdtemp(path) != NULL, path);
    made = true;
    return path;
}

static void write_segment(const char *path, const rud_journal_buffer *buffer)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL, path);
    require(fwrite(buffer->bytes.data, 1, buffer->bytes.size, file) == buffer->bytes.size, path);
    fclose(file);
}

/* Returns the number of things that had to be mended. */
static size_t open_and_read(const rud_journal_header *header)
{
    const rud_journal_options options = rud_journal_options_default();
    rud_journal *journal;
    rud_episodes list = {0};
    require(rud_journal_open(folder(), header, &options, &journal) == RUD_OK, rud_last_error());
    require(rud_journal_read(folder(), &list) == RUD_OK, rud_last_error());
    require(list.count == rud_journal_count(journal).episodes, "another number of episodes");
    const rud_journal_recovery *recovery = rud_journal_recovery_of(journal);
    const size_t mended = recovery->damage_count + (recovery->torn_bytes > 0);
    rud_episodes_free(&list);
    rud_journal_close(&journal);
    return mended;
}

static void check_file(const rud_journal_header *header, const uint8_t *data, size_t size)
{
    rud_journal_buffer buffer = {0};
    char path[256], aside[300];
    snprintf(path, sizeof path, "%s/0000000000.journal", folder());
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    make_segment(header, data, size, &buffer);
    write_segment(path, &buffer);
    open_and_read(header);
    require(open_and_read(header) == 0, "mended twice");
    unlink(aside);
    unlink(path);
    rud_journal_buffer_free(&buffer);
}

/* The last byte chooses the spaces, and whether a file is made. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const uint8_t choice = data[--size];
    rud_journal_header header = small_header(choice);
    rud_journal_scan scan = {data, size, 0};
    rud_journal_frame frame;
    while (rud_journal_scan_next(&scan, &frame)) check_episode(&header, frame.payload, frame.size);
    check_episode(&header, data, size);
    check_start(data, size);
    if (choice & 4) check_file(&header, data, size);
    rud_journal_header_free(&header);
    return 0;
}

/* The machine does not fail here: nothing waits for the disk. */
int fsync(int file)
{
    (void)file;
    return 0;
}

int fdatasync(int file)
{
    return fsync(file);
}

#include "base/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 24, LINE_SIZE = 512, TITLE_SIZE = 128, NOTE_SIZE = 128 };

static const double terminal_interval = 0.1; /* [s] between two drawings */
static const double plain_interval = 5.0;

struct rud_progress {
    pthread_mutex_t mutex;
    FILE *stream;
    bool on_terminal;
    char title[TITLE_SIZE];
    char note[NOTE_SIZE];
    uint64_t done, total;
    double part;           /* units beyond `done` */
    double started, shown; /* by rud_wall_seconds */
};

typedef struct line {
    char text[LINE_SIZE];
    size_t length;
} line;

static RUD_PRINTF(2, 3) void line_add(line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(line->text + line->length, LINE_SIZE - line->length, format, arguments);
    va_end(arguments);
    if (added > 0) line->length += (size_t)added;
    if (line->length >= LINE_SIZE) line->length = LINE_SIZE - 1;
}

/* 75 as "1:15", 4000 as "1:06:40". */
static void line_add_duration(line *line, double seconds)
{
    unsigned long long whole = (unsigned long long)(seconds + 0.5);
    if (whole >= 3600) {
        line_add(line, "%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        line_add(line, "%llu:%02llu", whole / 60, whole % 60);
    }
}

static double fraction_done(const rud_progress *progress)
{
    if (progress->done >= progress->total) return 1;
    const double fraction = ((double)progress->done + progress->part) / (double)progress->total;
    return fraction < 1 ? fraction : 1;
}

static void line_add_state(line *line, const rud_progress *progress, double time)
{
    double elapsed = time - progress->started;
    double fraction = fraction_done(progress);
    if (progress->total != RUD_TOTAL_UNKNOWN) {
        line_add(line, "%3d %%  %llu/%llu  ", (int)(100 * fraction),
                 (unsigned long long)progress->done, (unsigned long long)progress->total);
    } else {
        line_add(line, "%llu  ", (unsigned long long)progress->done);
    }
    line_add_duration(line, elapsed);
    line_add(line, " elapsed");
    if (fraction > 0 && fraction < 1 && progress->total != RUD_TOTAL_UNKNOWN) {
        line_add(line, ", ");
        line_add_duration(line, elapsed * (1 - fraction) / fraction);
        line_add(line, " left");
    }
    if (progress->note[0]) line_add(line, "  %s", progress->note);
}

/* A line that is wider than the terminal would wrap, and \r could not overwrite it. */
static void cut_to_terminal(line *line, int file)
{
    struct winsize size;
    if (ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return;
    if (line->length >= size.ws_col) line->length = size.ws_col - 1u;
    line->text[line->length] = '\0';
}

static void show_bar(rud_progress *progress, double time)
{
    line line = {.length = 0};
    int filled = (int)(BAR_WIDTH * fraction_done(progress));
    line_add(&line, "%s ", progress->title);
    for (int k = 0; progress->total != RUD_TOTAL_UNKNOWN && k < BAR_WIDTH; k++) {
        line_add(&line, "%s%c%s", k ? "" : "[", k < filled ? '#' : '.',
                 k == BAR_WIDTH - 1 ? "] " : "");
    }
    line_add_state(&line, progress, time);
    cut_to_terminal(&line, fileno(progress->stream));
    fprintf(progress->stream, "\r%s\033[K", line.text); /* ESC [ K erases what stood behind */
}

static void show(rud_progress *progress, double time)
{
    if (progress->on_terminal) {
        show_bar(progress, time);
    } else {
        line line = {.length = 0};
        line_add(&line, "%s: ", progress->title);
        line_add_state(&line, progress, time);
        fprintf(progress->stream, "%s\n", line.text);
    }
    fflush(progress->stream);
    progress->shown = time;
}

rud_status rud_progress_create(FILE *stream, const char *title, uint64_t total,
                               rud_progress **progress)
{
    rud_progress *created = calloc(1, sizeof *created);
    *progress = created;
    if (!created) return rud_error(RUD_ENOMEM, "no memory for the progress of '%s'", title);
    pthread_mutex_init(&created->mutex, NULL);
    created->stream = stream;
    created->on_terminal = stream && isatty(fileno(stream));
    created->total = total;
    snprintf(created->title, sizeof created->title, "%s", title);
    created->started = rud_wall_seconds();
    created->shown = created->started;
    if (created->on_terminal) show(created, created->started);
    return RUD_OK;
}

void rud_progress_backdate(rud_progress *progress, double seconds)
{
    pthread_mutex_lock(&progress->mutex);
    progress->started -= seconds;
    pthread_mutex_unlock(&progress->mutex);
}

/* The mutex is held. */
static void set_done(rud_progress *progress, uint64_t done, double part, const char *note)
{
    progress->done = done;
    progress->part = part;
    snprintf(progress->note, sizeof progress->note, "%s", note ? note : "");
    if (!progress->stream) return;
    double time = rud_wall_seconds();
    double interval = progress->on_terminal ? terminal_interval : plain_interval;
    if (time - progress->shown >= interval) show(progress, time);
}

void rud_progress_update_part(rud_progress *progress, uint64_t done, double part, const char *note)
{
    if (!progress) return;
    pthread_mutex_lock(&progress->mutex);
    set_done(progress, done, part, note);
    pthread_mutex_unlock(&progress->mutex);
}

void rud_progress_update(rud_progress *progress, uint64_t done, const char *note)
{
    rud_progress_update_part(progress, done, 0, note);
}

void rud_progress_advance(rud_progress *progress, uint64_t count, const char *note)
{
    if (!progress) return;
    pthread_mutex_lock(&progress->mutex);
    set_done(progress, progress->done + count, 0, note);
    pthread_mutex_unlock(&progress->mutex);
}

void rud_progress_free(rud_progress **progress)
{
    rud_progress *freed = *progress;
    if (!freed) return;
    if (freed->stream) {
        show(freed, rud_wall_seconds());
        if (freed->on_terminal) fputc('\n', freed->stream);
        fflush(freed->stream);
    }
    pthread_mutex_destroy(&freed->mutex);
    free(freed);
    *progress = NULL;
}

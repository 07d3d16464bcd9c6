/* JSON lines, read as an index and as a stream, and written again. */
#include "tests/fuzz/fuzz.h"

#include "episodes/dataset.h"
#include "episodes/jsonl_private.h"

static void write_again(const rud_dataset *dataset, const rud_episode *episode)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) abort();
    (void)rud_jsonl_write(stream, rud_dataset_observation_space(dataset),
                          rud_dataset_action_space(dataset), episode);
    fclose(stream);
    free(text);
}

static void read_all(const char *path, bool stream)
{
    rud_dataset_options options = rud_dataset_options_default();
    rud_dataset *dataset;
    options.format = "jsonl";
    options.stream = stream;
    if (rud_dataset_open(path, &options, &dataset) != RUD_OK) return;
    for (int k = 0; k < 64; k++) {
        rud_episode *episode;
        rud_status status = rud_dataset_next(dataset, &episode);
        if (status == RUD_OK && episode == NULL) break;
        if (status == RUD_OK && !stream) write_again(dataset, episode);
        rud_episode_free(&episode);
    }
    rud_dataset_close(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int descriptor;
    fuzz_path path = fuzz_file(bytes, size, &descriptor);
    read_all(path.text, false);
    read_all(path.text, true);
    close(descriptor);
    return 0;
}

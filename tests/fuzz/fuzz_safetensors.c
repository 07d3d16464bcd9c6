/* safetensors files, as tensors and as a model. */
#include "tests/fuzz/fuzz.h"

#include "nn/safetensors.h"
#include "redistribution/predictor.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int descriptor;
    fuzz_path path = fuzz_file(bytes, size, &descriptor);
    rud_tensor_file file;
    if (rud_tensor_file_read(path.text, &file) == RUD_OK) rud_tensor_file_free(&file);
    rud_predictor *predictor = NULL;
    if (rud_predictor_load(path.text, &predictor) == RUD_OK) rud_predictor_free(&predictor);
    close(descriptor);
    return 0;
}

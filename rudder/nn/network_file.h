/* Networks as tensors with PyTorch's names, layout and gate order: `lstm.weight_ih_l0` [4H][D],
 * `lstm.weight_hh_l0` [4H][H], `lstm.bias_ih_l0`, `lstm.bias_hh_l0` [4H], `head.weight` [K][H],
 * `head.bias` [K]; absent connections are zeros. The reverse halves of a bidirectional network have
 * names that end in `_reverse`, and its head.weight is [K][2H]; foreign.h reads it back. Written
 * biases stand in bias_ih, bias_hh is 0; read ones are added up. */
#ifndef RUD_NN_NETWORK_FILE_H
#define RUD_NN_NETWORK_FILE_H

#include "nn/network.h"
#include "nn/safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

rud_status rud_network_to_tensors(const rud_network *network, rud_tensor_file *file);

/* Sizes come from the tensors' shapes; `cell` says which connections exist. RUD_EFORMAT names the
 * tensor, the shape expected and the shape found; weights of an absent connection must be 0. */
rud_status rud_network_from_tensors(const rud_tensor_file *file, const rud_cell *cell,
                                    rud_network **network);

#ifdef __cplusplus
}
#endif
#endif

/* LSTMs that others trained: tensors with PyTorch's names, no metadata. Layers, sizes and direction
 * are found from names and shapes:
 *     <prefix>weight_ih_l<k>[_reverse]  [4H][inputs]
 *     <prefix>weight_hh_l<k>[_reverse]  [4H][H]
 *     <prefix>bias_ih_l<k>[_reverse]    [4H], may lack
 *     <prefix>bias_hh_l<k>[_reverse]    [4H], may lack
 *     <head>.weight                     [K][H], of a bidirectional LSTM [K][2H]
 *     <head>.bias                       [K], may lack
 *
 * with gate order i, f, g, o. Biases that lack are 0. The cell is the preset `lstm`. */
#ifndef RUD_NN_FOREIGN_H
#define RUD_NN_FOREIGN_H

#include "nn/network.h"
#include "nn/safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

/* head: NULL, or the head's name without `.weight`; needed where two tensors fit. RUD_EFORMAT: no
 * LSTM or two, no head or two, a layer that could stand behind an unnamed head, or a shape that
 * does not fit; the message names the tensor, the shape expected and found, and what can be
 * chosen. */
rud_status rud_network_from_foreign(const rud_tensor_file *file, const char *head,
                                    rud_network **network);

#ifdef __cplusplus
}
#endif
#endif

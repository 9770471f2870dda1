// The legend of tensor names: hidden_BTD is [batch, time, width].
//
//   B  sequences            T  positions of a sequence     D  width of the residual stream
//   H  query heads          G  key/value heads (G divides H)   E  width of one head, D / H
//   F  width inside the MLP V  vocabulary                  M  packed rows: positions picked by a
//   gate, b * T + t, sorted
#pragma once
